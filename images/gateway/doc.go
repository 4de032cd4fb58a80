// Command gateway receives all requests for the application. It sends each request to
// its component, enforces limits, and removes forged headers, so that components can
// trust the address of the client. It is a sidecar in the pod of the component that
// serves pages; that component listens on 127.0.0.1 only.
//
// To run it from the folder of the project:
//
//	FRONTEND_URL=http://127.0.0.1:3000 BACKEND_URL=http://127.0.0.1:8000 \
//	GATEWAY_LISTEN=127.0.0.1:8080 GATEWAY_PROBES_LISTEN=127.0.0.1:8081 \
//	go run ./images/gateway
//
// # Settings
//
// All wrong settings are reported together, with exit code 2. Seconds and counts are
// whole numbers. The values below are the defaults.
//
//	FRONTEND_URL, BACKEND_URL            origins of the components of the Todo Chatbot;
//	                                     required without GATEWAY_ROUTES
//	GATEWAY_ROUTES                       JSON list of routes, see below
//	GATEWAY_LISTEN                       0.0.0.0:8080
//	GATEWAY_PROBES_LISTEN                0.0.0.0:8081
//	GATEWAY_READY_URL                    URL that the probes request; FRONTEND_URL/livez
//	GATEWAY_TRUSTED_PROXIES              networks whose X-Forwarded-For and
//	                                     X-Forwarded-Proto are trusted; none
//	PUBLIC_URL                           requests to its host get its scheme
//	IMAGE_DIGEST                         value of X-Gateway-Image
//	GATEWAY_DRAIN_SECONDS                3: time after SIGTERM in which requests are
//	                                     answered, but the readiness probe fails
//	GATEWAY_SHUTDOWN_SECONDS             65: time for running requests after that
//	GATEWAY_HEADER_SECONDS               10
//	GATEWAY_MAX_HEADER_BYTES             16384 (net/http adds 4096)
//	GATEWAY_IDLE_SECONDS                 75
//	GATEWAY_UPGRADE_IDLE_SECONDS         30: WebSockets without traffic
//	GATEWAY_WRITE_SECONDS                60: clients that do not read the response
//	GATEWAY_MAX_CONNECTIONS              1024
//	GATEWAY_MAX_CONNECTIONS_PER_ADDRESS  768; does not apply to trusted proxies
//	GATEWAY_MAX_IN_FLIGHT                256
//	GATEWAY_MAX_IN_FLIGHT_PER_ADDRESS    192
//	GATEWAY_RATE, GATEWAY_BURST          200 requests each second, bursts of 400;
//	                                     per address
//	GATEWAY_BUFFERED_BYTES               8388608: memory for all request bodies
//	GOMEMLIMIT                           three quarters of the memory limit of the container
//
// # Routes
//
// Without GATEWAY_ROUTES, /api/auth and all pages go to the frontend, and other paths
// below /api/ go to the backend; /api/livez and /api/readyz become /livez and /readyz.
// For other applications, GATEWAY_ROUTES is a list:
//
//	[{"path": "/", "upstream": "http://127.0.0.1:3000"},
//	 {"path": "/api/", "upstream": "http://api:8000", "rewrite": "/", "maxBody": 65536},
//	 {"path": "/ws", "upstream": "http://api:8000", "upgrade": true}]
//
// The route with the longest path is used. Paths match whole segments: "/a" matches /a
// and all paths below it, "/a/" only the paths below it, and with "exact" only the path
// itself. "rewrite" replaces the path of the route in the request to the upstream.
// Further fields: maxBody (bytes, 1 MiB), bodySeconds (30), readSeconds (12),
// silenceSeconds (300), keepSeconds (4; must be less than the upstream keeps
// connections), keepHost (true), dropCookies, gzip (for JSON of at least 1 KiB),
// noStore, maxInFlight, accountErrors (errors in the format of Better Auth). A path that
// servers could read in different ways (%2f, dot segments, backslashes, repeated
// slashes) is refused with 400 when these readings belong to different routes.
//
// # Limits
//
// A body may have 16 KiB below /api/auth, 64 KiB below /api/ and 1 MiB elsewhere; a
// longer one gets status 413. A body that takes more than 30 s gets 408. Then the
// connection is closed. Up to 64 KiB of a body are read before the request to the
// upstream. A request header may take 10 s and have 20 KiB (431). A WebSocket needs a
// route that allows it, and ends after 30 s without traffic; the Todo Chatbot has none.
// Above 1,024 connections, the gateway closes the one that has waited longest for a
// request, or else for the rest of a body. /api/livez and /api/readyz accept 8 requests
// at once; the gateway does not cache them, because the backend caches its readiness.
// Each refusal or failure is logged as one JSON line without the query string, at most
// 10 lines each second.
//
// A GET or HEAD request without a body is repeated up to three times, on new
// connections, when the upstream cannot be reached, closes the connection or is silent
// for readSeconds. Every other request has its own connection, and is repeated only when
// no connection was established.
//
// # Shutting down
//
// The kubelet sends SIGTERM to all containers of a pod at the same time, but the gateway
// needs the others until it has finished. So the chart gives the others a preStop hook
// that sleeps longer than GATEWAY_DRAIN_SECONDS, and sets terminationGracePeriodSeconds
// above GATEWAY_DRAIN_SECONDS + GATEWAY_SHUTDOWN_SECONDS.
package main
