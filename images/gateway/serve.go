package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"todo-chatbot/images/gateway/proxy"
	"todo-chatbot/images/gateway/settings"
)

var errStopped = errors.New("stop: a second signal arrived before the requests were answered")

// probeServerTimeout limits each step of a connection to the port for probes.
const probeServerTimeout = 10 * time.Second

// serve listens on both ports until a signal arrives and the running requests are
// answered. After SIGTERM there are three steps: for read.Drain, everything works except
// /readyz, so that the endpoints of the Service change before a connection is refused;
// then no new connection is accepted; after read.Shutdown, the remaining requests are
// aborted. An interrupt from a terminal skips the first step, a second signal all steps.
func serve(ctx context.Context, read settings.Settings, log *slog.Logger, signals <-chan os.Signal, listening func(main, probes net.Addr)) error {
	gateway := proxy.New(read.Proxy, proxy.NewLog(log))
	defer gateway.Close()
	port, err := net.Listen("tcp", read.Listen)
	if err != nil {
		return fmt.Errorf("listen for requests on %q: %w", read.Listen, err)
	}
	defer func() { _ = port.Close() }()
	probesPort, err := net.Listen("tcp", read.ProbesListen)
	if err != nil {
		return fmt.Errorf("listen for probes on %q: %w", read.ProbesListen, err)
	}
	defer func() { _ = probesPort.Close() }()

	// Shutdown does not wait for WebSockets. They end with this context.
	upgrades, end := context.WithCancel(ctx)
	defer end()
	server := gateway.Server()
	server.BaseContext = func(net.Listener) context.Context { return upgrades }
	probes := &http.Server{
		Handler: gateway.Probes(), ErrorLog: server.ErrorLog, MaxHeaderBytes: 4 << 10,
		ReadTimeout: probeServerTimeout, WriteTimeout: probeServerTimeout, IdleTimeout: probeServerTimeout,
	}
	defer func() { _ = probes.Close() }()
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(gateway.Listener(port)) }()
	go func() { failed <- probes.Serve(probesPort) }()
	if listening != nil {
		listening(port.Addr(), probesPort.Addr())
	}
	log.Info("gateway listens", "address", port.Addr().String(), "probes", probesPort.Addr().String(), "routes", len(read.Proxy.Routes))

	var received os.Signal
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case received = <-signals:
	case <-ctx.Done():
		received = os.Interrupt
	}
	gateway.Drain()
	if received != os.Interrupt {
		select {
		case <-time.After(read.Drain):
		case <-signals:
			return errStopped
		}
	}
	return shutDown(server, read.Shutdown, signals, log)
}

func shutDown(server *http.Server, within time.Duration, signals <-chan os.Signal, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		log.Warn("requests aborted", "after_seconds", within.Seconds())
		return server.Close()
	}
	return err
}
