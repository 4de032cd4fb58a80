package kube

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd/api"
)

var pods = schema.GroupResource{Resource: "pods"}

func TestFinalErrorsAreRefusalsAndMissingTrust(t *testing.T) {
	for name, err := range map[string]error{
		"forbidden":        apierrors.NewForbidden(pods, "a", errors.New("no")),
		"wrapped":          fmt.Errorf("list pods: %w", apierrors.NewForbidden(pods, "a", errors.New("no"))),
		"unauthorized":     apierrors.NewUnauthorized("who are you"),
		"invalid":          apierrors.NewInvalid(schema.GroupKind{Kind: "Pod"}, "a", nil),
		"wrong name":       fmt.Errorf("get: %w", x509.HostnameError{Host: "a", Certificate: &x509.Certificate{}}),
		"unsupported verb": apierrors.NewMethodNotSupported(pods, "list"),
		"expired":          x509.CertificateInvalidError{Reason: x509.Expired},
		"unknown signer":   x509.UnknownAuthorityError{},
		"joined errors":    errors.Join(errors.New("first"), apierrors.NewUnauthorized("who")),
	} {
		assert.True(t, Final(err), name)
	}
	for name, err := range map[string]error{
		"none":              nil,
		"unreachable":       errors.New("dial tcp 127.0.0.1:6443: connect: connection refused"),
		"not found":         apierrors.NewNotFound(pods, "a"),
		"too many requests": apierrors.NewTooManyRequests("later", 1),
		"conflict":          apierrors.NewConflict(pods, "a", errors.New("changed")),
		"server timeout":    apierrors.NewServerTimeout(pods, "list", 1),
	} {
		assert.False(t, Final(err), name)
	}
}

func TestUntrustedCertificateOrFailedLoginIsFinal(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for name, cfg := range map[string]*rest.Config{
		"certificate of an unknown authority": {Host: server.URL},
		"login program that does not exist": {Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, ExecProvider: &api.ExecConfig{
			Command: "no-such-login-program", APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: api.NeverExecInteractiveMode,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := kubernetes.NewForConfig(cfg)
			require.NoError(t, err)
			_, err = client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
			require.Error(t, err)
			assert.True(t, untrusted(err), "%v", err)
			assert.True(t, Final(err))
		})
	}
}
