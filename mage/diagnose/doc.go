// Package diagnose finds out why a release does not become ready. It goes from a
// Snapshot of the release's namespace to a Failure, whose first cause is the
// likeliest root of the others, and collects the evidence that shows the cause.
//
// It reads Kubernetes objects and container logs only. It neither reads release
// records nor changes the cluster.
package diagnose
