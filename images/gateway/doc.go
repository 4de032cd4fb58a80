// Command gateway is the one place through which requests reach the application. It
// sends each to the component that answers it, holds clients to limits, and keeps
// the headers honest by which components know who asks. It is a sidecar of the pod
// whose component serves pages; that component listens on 127.0.0.1 only.
//
// Developers run it from the project's folder:
//
//	FRONTEND_URL=http://127.0.0.1:3000 BACKEND_URL=http://127.0.0.1:8000 \
//	GATEWAY_LISTEN=127.0.0.1:8080 GATEWAY_PROBES_LISTEN=127.0.0.1:8081 \
//	go run ./images/gateway
//
// # Settings
//
// Wrong settings are reported all at once, with exit code 2. Seconds and counts are
// whole numbers.
//
//	FRONTEND_URL, BACKEND_URL            origins of the Todo Chatbot's components; needed
//	                                     where GATEWAY_ROUTES is not set
//	GATEWAY_ROUTES                       JSON list of routes, see below
//	GATEWAY_LISTEN                       0.0.0.0:8080
//	GATEWAY_PROBES_LISTEN                0.0.0.0:8081
//	GATEWAY_READY_URL                    what the probes ask; FRONTEND_URL/livez
//	GATEWAY_TRUSTED_PROXIES              networks whose X-Forwarded-For and
//	                                     X-Forwarded-Proto count; none
//	PUBLIC_URL                           requests to its host have its scheme
//	IMAGE_DIGEST                         value of X-Gateway-Image
//	GATEWAY_DRAIN_SECONDS                3: answers after SIGTERM, while not ready
//	GATEWAY_SHUTDOWN_SECONDS             65: running requests have so long after that
//	GATEWAY_HEADER_SECONDS               10
//	GATEWAY_MAX_HEADER_BYTES             16384 (net/http adds 4096)
//	GATEWAY_IDLE_SECONDS                 75
//	GATEWAY_UPGRADE_IDLE_SECONDS         30: WebSockets without a byte in either direction
//	GATEWAY_WRITE_SECONDS                60: readers that take nothing
//	GATEWAY_MAX_CONNECTIONS              1024
//	GATEWAY_MAX_CONNECTIONS_PER_ADDRESS  768; trusted proxies have no bound of their own
//	GATEWAY_MAX_IN_FLIGHT                256
//	GATEWAY_MAX_IN_FLIGHT_PER_ADDRESS    192
//	GATEWAY_RATE, GATEWAY_BURST          200 requests a second, 400 at once, per address
//	GATEWAY_BUFFERED_BYTES               8388608: memory for all bodies being read
//	GOMEMLIMIT                           three quarters of the container's memory limit
//
// # Routes
//
// Without GATEWAY_ROUTES, /api/auth and all pages go to the frontend, and what is
// below /api/ to the backend, which knows /api/livez and /api/readyz as /livez and
// /readyz. Other applications have a list:
//
//	[{"path": "/", "upstream": "http://127.0.0.1:3000"},
//	 {"path": "/api/", "upstream": "http://api:8000", "rewrite": "/", "maxBody": 65536},
//	 {"path": "/ws", "upstream": "http://api:8000", "upgrade": true}]
//
// The longest path wins, at the boundaries of path segments: "/a" is itself and what
// is below, "/a/" only what is below, and with "exact" only itself. "rewrite" takes
// the path's place in what the upstream is asked. Further fields: maxBody (bytes, 1
// MiB), bodySeconds (30), readSeconds (12), silenceSeconds (300), keepSeconds (4, less
// than the upstream keeps connections), keepHost (true), dropCookies, gzip (JSON of 1
// KiB and more), noStore, maxInFlight, accountErrors (refusals as Better Auth has
// them). A path that could be read as two routes (%2f, dot segments, backslashes,
// repeated slashes) is refused with 400.
//
// # Limits
//
// Bodies: 16 KiB below /api/auth, 64 KiB below /api/, 1 MiB elsewhere, 30 s each;
// more is answered with 413, slower ones with 408, and the connection ends. Up to 64
// KiB are read before an upstream is asked. A header takes at most 10 s and 20 KiB
// (431). A WebSocket is passed where its route allows it, and ends after 30 s without
// a byte; the Todo Chatbot has none. At 1,024 connections the one that has waited
// longest for a request, or else for the rest of a body, makes room. /api/livez and
// /api/readyz have 8 requests at once: the backend itself keeps the result of its
// readiness, so that the gateway stores no answers. Refusals and failures leave one
// JSON line each, 10 a second at most, without query strings.
//
// Reads (GET and HEAD without a body) are repeated up to three times, over new
// connections, when the upstream cannot be reached, cuts the connection or says
// nothing for readSeconds. All else has a connection of its own and is repeated only
// where no connection came about.
//
// # Shutting down
//
// The kubelet sends SIGTERM to all containers of a pod at once. The gateway needs
// the others until it has finished: the chart gives them a preStop hook that sleeps
// longer than GATEWAY_DRAIN_SECONDS, and a terminationGracePeriodSeconds above
// GATEWAY_DRAIN_SECONDS + GATEWAY_SHUTDOWN_SECONDS.
package main
