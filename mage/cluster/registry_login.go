package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/moby/moby/client"
	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/registry"
)

const (
	// loginSecret is in the registry's namespace. Every checkout reads the login
	// there, and the registry's pod mounts the password's hash from it.
	loginSecret  = userAgent + "-registry"
	userKey      = "username"
	passwordKey  = "password"
	htpasswdKey  = "htpasswd"
	htpasswdDir  = "/etc/" + loginSecret
	registryUser = "todo"

	// loginAnnotation makes the Deployment replace its pod when the login changes.
	loginAnnotation = userAgent + "/login"

	// containerd reads the file of a registry below this folder at every pull, by
	// default since version 2.2 (plugins/cri/images/plugin.go).
	containerdFolder = "/etc/containerd"
	hostsFile        = "certs.d/" + pullAddress + "/hosts.toml"
)

// ensureLogin returns the registry's login, and creates it where it is missing.
func ensureLogin(ctx context.Context, client kubernetes.Interface) (*registry.Login, error) {
	login, err := findLogin(ctx, client)
	if err != nil || login != nil {
		return login, err
	}
	secret, err := newLogin()
	if err != nil {
		return nil, err
	}
	_, err = client.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, secret, metav1.CreateOptions{FieldManager: userAgent})
	if err != nil && !apierrors.IsAlreadyExists(err) { // another run was faster
		return nil, fmt.Errorf("create the image registry's login: %w", err)
	}
	login, err = findLogin(ctx, client)
	if err == nil && login == nil {
		err = fmt.Errorf("create the image registry's login: Secret %q was deleted meanwhile", loginSecret)
	}
	return login, err
}

// newLogin returns a Secret with a random password of 128 bits. Nobody can guess
// such a password, so that bcrypt's lowest cost is enough; the registry computes
// the hash for every request.
func newLogin() (*corev1.Secret, error) {
	password := rand.Text()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("create the image registry's login: %w", err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: loginSecret, Namespace: metav1.NamespaceSystem,
			Labels: map[string]string{networkLabel: userAgent},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			userKey: []byte(registryUser), passwordKey: []byte(password), htpasswdKey: []byte(registryUser + ":" + string(hash) + "\n"),
		},
	}, nil
}

// findLogin reads the registry's login. It returns nil where there is none.
func findLogin(ctx context.Context, client kubernetes.Interface) (*registry.Login, error) {
	secret, err := client.CoreV1().Secrets(metav1.NamespaceSystem).Get(ctx, loginSecret, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the image registry's login: %w", err)
	}
	if secret.Labels[networkLabel] != userAgent || len(secret.Data[htpasswdKey]) == 0 || len(secret.Data[passwordKey]) == 0 {
		return nil, fmt.Errorf("the Secret %q in namespace %q does not have the form of the image registry's login: "+
			"remove it (kubectl -n %[2]s delete secret %[1]s) and run again", loginSecret, metav1.NamespaceSystem)
	}
	return registry.NewLogin(string(secret.Data[userKey]), string(secret.Data[passwordKey])), nil
}

// loginChecksum identifies a login without revealing it: nobody can guess a
// password of 128 random bits.
func loginChecksum(login *registry.Login) string {
	sum := sha256.Sum256([]byte(login.User + ":" + login.Password()))
	return hex.EncodeToString(sum[:8])
}

// wrongLogin says that a registry answers but does not require, or does not know,
// the right login. Waiting does not change that.
type wrongLogin struct{ why string }

func (w *wrongLogin) Error() string { return "the image registry " + w.why }

// requiresLogin checks that a registry accepts the login, and refuses requests
// without it.
func requiresLogin(ctx context.Context, address string, login *registry.Login) error {
	challenge, err := ping(ctx, address)
	switch {
	case err != nil:
		return err
	case challenge.Scheme == "":
		return &wrongLogin{"accepts pushes without a login, also from pods"}
	case login == nil:
		return &wrongLogin{fmt.Sprintf("requires a login, but Secret %q does not exist", loginSecret)}
	}
	scheme := "https"
	if challenge.Insecure {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+address+"/v2/", nil)
	if err != nil {
		return fmt.Errorf("ask the image registry at %q: %w", address, err)
	}
	req.SetBasicAuth(login.User, login.Password())
	resp, err := newTransport().RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask the image registry at %q: %w", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &wrongLogin{fmt.Sprintf("does not accept the login in Secret %q (status %d)", loginSecret, resp.StatusCode)}
	}
	return nil
}

// usable checks that the registry requires the login, and that the node has it.
func (k *Kind) usable(ctx context.Context, node, address string, login *registry.Login) error {
	if err := requiresLogin(ctx, address, login); err != nil {
		return err
	}
	have, err := k.readFile(ctx, node, path.Join(containerdFolder, hostsFile))
	if err != nil {
		return err
	}
	if string(have) != hostsToml(login) {
		return &wrongLogin{"has a login that its node does not have"}
	}
	return nil
}

// hostsToml is the file with which containerd pulls with the login. Pods need no
// pull secret and do not see the login.
func hostsToml(login *registry.Login) string {
	basic := base64.StdEncoding.EncodeToString([]byte(login.User + ":" + login.Password()))
	return fmt.Sprintf("# Written by %s: the login of the cluster's image registry.\nserver = \"http://%s\"\ncapabilities = [\"pull\", \"resolve\"]\n\n[header]\nAuthorization = [\"Basic %s\"]\n",
		userAgent, pullAddress, basic)
}

// writeLogin writes the login into the node, where containerd reads it at the next
// pull. Only root of the node can read the file.
func (k *Kind) writeLogin(ctx context.Context, node string, login *registry.Login) error {
	text := hostsToml(login)
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	var err error
	for _, dir := range []string{path.Dir(path.Dir(hostsFile)), path.Dir(hostsFile)} {
		if err == nil {
			err = files.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: time.Now()})
		}
	}
	if err == nil {
		err = files.WriteHeader(&tar.Header{Name: hostsFile, Mode: 0o600, Size: int64(len(text)), ModTime: time.Now()})
	}
	if err == nil {
		_, err = files.Write([]byte(text))
	}
	if err == nil {
		err = files.Close()
	}
	if err == nil {
		_, err = k.docker.CopyToContainer(ctx, node, client.CopyToContainerOptions{DestinationPath: containerdFolder, Content: &archive})
	}
	if err != nil {
		return fmt.Errorf("write the image registry's login into container %q: %w", node, err)
	}
	return nil
}
