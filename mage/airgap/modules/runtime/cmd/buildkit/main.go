// Command buildkit is BuildKit's daemon with what this project's builds use: the
// OCI worker on overlayfs, the Dockerfile frontend, and the host's network. The
// daemon of upstream also compiles clients of three clouds' storage and a second
// worker, nearly half of its packages. Called as buildctl it is the two commands
// by which the pipeline reaches the daemon.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/defaults"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/moby/buildkit/control"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/buildkit/frontend"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/gateway/forwarder"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/bboltcachestorage"
	"github.com/moby/buildkit/util/appdefaults"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/moby/buildkit/util/disk"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/moby/buildkit/util/network/netproviders"
	"github.com/moby/buildkit/util/resolver"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
	"github.com/moby/buildkit/worker/runc"
	"go.etcd.io/bbolt"
	metric "go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := serve
	if filepath.Base(os.Args[0]) == "buildctl" {
		run = call
	}
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

// socket is where the daemon listens.
func socket() string { return strings.TrimPrefix(appdefaults.Address, "unix://") }

// serve is the daemon. It ends with its context, after the builds that run.
func serve(ctx context.Context) error {
	if err := os.MkdirAll(appdefaults.Root, 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(socket()), 0o755); err != nil {
		return err
	}
	if err := os.Remove(socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of a daemon before: %w", err)
	}
	listener, err := net.Listen("unix", socket())
	if err != nil {
		return err
	}
	controller, err := newController(ctx)
	if err != nil {
		listener.Close()
		return err
	}
	defer controller.Close()
	server := grpc.NewServer(
		// The client tells errors apart by their types.
		grpc.UnaryInterceptor(grpcerrors.UnaryServerInterceptor), grpc.StreamInterceptor(grpcerrors.StreamServerInterceptor),
		grpc.MaxRecvMsgSize(defaults.DefaultMaxRecvMsgSize), grpc.MaxSendMsgSize(defaults.DefaultMaxSendMsgSize),
	)
	controller.Register(server)
	defer context.AfterFunc(ctx, server.GracefulStop)()
	return server.Serve(listener)
}

func newController(ctx context.Context) (*control.Controller, error) {
	sessions, err := session.NewManager()
	if err != nil {
		return nil, err
	}
	w, err := newWorker()
	if err != nil {
		return nil, err
	}
	workers := &worker.Controller{}
	if err := workers.Add(w); err != nil {
		return nil, err
	}
	cache, err := bboltcachestorage.NewStore(filepath.Join(appdefaults.Root, "cache.db"))
	if err != nil {
		return nil, err
	}
	history, err := boltutil.SafeOpen(filepath.Join(appdefaults.Root, "history.db"), 0o600,
		&bbolt.Options{FreelistType: bbolt.FreelistMapType, NoFreelistSync: true})
	if err != nil {
		return nil, err
	}
	return control.NewController(control.Opt{
		SessionManager:   sessions,
		WorkerController: workers,
		Frontends:        map[string]frontend.Frontend{"dockerfile.v0": forwarder.NewGatewayForwarder(workers.Infos(), dockerfile.Build)},
		CacheManager:     solver.NewCacheManager(ctx, "local", cache, worker.NewCacheResultStorage(workers)),
		CacheStore:       cache,
		HistoryDB:        history,
		MeterProvider:    metric.NewMeterProvider(),
		LeaseManager:     w.LeaseManager(),
		ContentStore:     w.ContentStore(),
		GarbageCollect:   w.GarbageCollect,
		GracefulStop:     ctx.Done(),
	})
}

// newWorker runs build steps by runc, on the host's network, and keeps as much
// of their results as upstream's daemon does by default.
func newWorker() (*base.Worker, error) {
	snapshotter := runc.SnapshotterFactory{Name: "overlayfs", New: func(root string) (snapshots.Snapshotter, error) {
		return overlay.NewSnapshotter(root, overlay.AsynchronousRemove)
	}}
	opt, err := runc.NewWorkerOpt(appdefaults.Root, snapshotter, false, oci.ProcessSandbox, nil, nil,
		netproviders.Opt{Mode: "host"}, nil, "", "", false, nil, "", "", nil)
	if err != nil {
		return nil, err
	}
	opt.RegistryHosts = resolver.NewRegistryConfig(nil)
	space, err := disk.GetDiskStat(appdefaults.Root)
	if err != nil {
		return nil, err
	}
	for _, rule := range config.DefaultGCPolicy(config.GCConfig{}, space) {
		opt.GCPolicy = append(opt.GCPolicy, client.PruneInfo{
			Filter: rule.Filters, All: rule.All, KeepDuration: rule.KeepDuration.Duration,
			ReservedSpace: rule.ReservedSpace.AsBytes(space), MaxUsedSpace: rule.MaxUsedSpace.AsBytes(space), MinFreeSpace: rule.MinFreeSpace.AsBytes(space),
		})
	}
	return base.NewWorker(context.Background(), opt)
}

// call is what the pipeline needs of buildctl.
func call(ctx context.Context) error {
	switch command := strings.Join(os.Args[1:], " "); command {
	case "dial-stdio":
		return dialStdio()
	case "debug workers":
		daemon, err := client.New(ctx, appdefaults.Address)
		if err != nil {
			return err
		}
		defer daemon.Close()
		workers, err := daemon.ListWorkers(ctx)
		for _, w := range workers {
			fmt.Println(w.ID)
		}
		return err
	default:
		return fmt.Errorf("unknown command %q: this build of it knows dial-stdio and debug workers", command)
	}
}

// dialStdio connects its standard streams with the daemon, until that has no
// more to say.
func dialStdio() error {
	conn, err := net.Dial("unix", socket())
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() {
		io.Copy(conn, os.Stdin) // its end is the other side's to see
		conn.(*net.UnixConn).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}
