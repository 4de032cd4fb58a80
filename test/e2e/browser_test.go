package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browsers lists the names of Chromium's program.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

func chromium() (string, error) {
	if chosen := os.Getenv("TODO_CHROMIUM"); chosen != "" {
		return exec.LookPath(chosen)
	}
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find a browser: none of %s is on the PATH: install Chromium, or name it in TODO_CHROMIUM", strings.Join(browsers, ", "))
}

// startBrowser starts Chromium with a new profile. It reaches 127.0.0.1 alone: it
// resolves no other name and uses no proxy.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := chromium()
	require.NoError(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("no-sandbox", os.Geteuid() == 0),
		chromedp.Flag("lang", "en-US"),
	)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	require.NoError(t, chromedp.Do(ctx), "start %s", path)
	return ctx
}

// page is one person's browser tab, with separate cookies and storage.
type page struct {
	t     *testing.T
	who   string
	ctx   context.Context // chromedp keeps the connection to the tab in it
	base  string
	watch *watch
	album *album
}

// newPage opens an empty tab for a person.
func newPage(t *testing.T, browser context.Context, base, who string, a *album) *page {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	p := &page{t: t, who: who, ctx: ctx, base: strings.TrimSuffix(base, "/"), album: a}
	p.watch = newWatch(p.base)
	require.NoError(t, chromedp.Listen(ctx, p.watch.see))
	// Both pages have the focus all the time.
	_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(t, err)
	p.prefers("light")
	p.resize(desktop)
	return p
}

// in returns the same page, which reports to t.
func (p *page) in(t *testing.T) *page {
	bound := *p
	bound.t = t
	return &bound
}

// prefers sets the system's colour scheme, and always reduced motion, since moving
// elements cannot be photographed or inspected.
func (p *page) prefers(scheme string) {
	p.t.Helper()
	p.call(chromedpCall(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// call runs commands of the DevTools protocol that must succeed.
func (p *page) call(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	require.NoError(p.t, chromedp.Do(ctx, actions...))
}

// chromedpCall turns a command into an action that drops its result.
func chromedpCall[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, command, params)
		return chromedp.Void{}, err
	}
}

// step does one thing and logs how long it took.
func (p *page) step(what string, do func()) {
	p.t.Helper()
	began := time.Now()
	do()
	p.t.Logf("%5.1fs  %s %s", time.Since(began).Seconds(), p.who, what)
}

// address returns the application's URL, and skips the test without one.
func address(t *testing.T) string {
	t.Helper()
	given := os.Getenv("TODO_TEST_URL")
	if given == "" {
		t.Skip("TODO_TEST_URL is not set: no application to try; mage deploy:dev makes one, and mage test:e2e finds it")
	}
	parsed, err := url.Parse(given)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", parsed.Hostname(), "TODO_TEST_URL must have the host 127.0.0.1, the only host that the browser may reach")
	return parsed.Scheme + "://" + parsed.Host
}
