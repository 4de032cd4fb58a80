package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// size is a size of the window; the phone's has a device pixel ratio of 2.
type size struct {
	name          string
	width, height int64
	scale         float64
	mobile        bool
}

var (
	desktop = size{name: "desktop", width: 1280, height: 800, scale: 1}
	phone   = size{name: "phone", width: 390, height: 844, scale: 2, mobile: true}
	sizes   = []size{desktop, phone}
	themes  = []string{"light", "dark"}
)

// album keeps a picture and axe's result of every state.
type album struct {
	folder string
	axe    *axe // nil if axe-core is not available
	states int
	faults faults
}

// newAlbum removes the pictures of an earlier run.
func newAlbum(t *testing.T) *album {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join(cmp.Or(os.Getenv("TODO_TEST_OUT"), "../../build"), "e2e"))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for _, earlier := range []string{"[0-9][0-9]-*.png", "failure-*"} {
		files, err := filepath.Glob(filepath.Join(folder, earlier))
		require.NoError(t, err)
		for _, file := range files {
			require.NoError(t, os.Remove(file))
		}
	}
	return &album{folder: folder, faults: faults{}}
}

func (p *page) resize(s size) {
	p.t.Helper()
	p.call(chromedpCall(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: s.scale, Mobile: s.mobile,
	}))
}

// photograph takes a picture of the page at every size and in every theme, and axe
// inspects each. It clicks nothing, so open menus and messages stay open; hovered
// stays under the mouse.
func (p *page) photograph(state string, hovered ...element) {
	p.t.Helper()
	p.album.states++
	for _, s := range sizes {
		p.resize(s)
		for _, e := range hovered {
			p.hover(e)
		}
		for _, theme := range themes {
			p.paint(theme)
			name := fmt.Sprintf("%02d-%s-%s-%s", p.album.states, state, s.name, theme)
			p.inspect(name)
			p.picture(name)
		}
	}
	p.resize(desktop)
	p.paint("light")
}

// paint sets the theme, as the page's own switch does, and waits until all finite
// animations have ended: a half-faded element has too little contrast.
func (p *page) paint(theme string) {
	p.t.Helper()
	_, err := ask[bool](p, `async (theme) => {
		document.documentElement.dataset.theme = theme;
		const ends = (a) => a.playState === "running" && a.effect.getComputedTiming().endTime !== Infinity;
		// A menu is placed again after a resize, and fades in after that.
		for (let still = 0; still < 6; still++) {
			await new Promise(requestAnimationFrame);
			const moving = document.getAnimations().filter(ends);
			if (moving.length > 0) still = 0;
			await Promise.allSettled(moving.map((a) => a.finished));
		}
		return true;
	}`, theme)
	require.NoError(p.t, err)
}

func (p *page) picture(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(p.album.folder, name+".png"), png, 0o644))
}

var unfit = regexp.MustCompile(`[^a-z0-9]+`)

// evidence saves the picture, the page and the log of a failed step.
func (p *page) evidence(step string) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	name := filepath.Join(p.album.folder, "failure-"+unfit.ReplaceAllString(strings.ToLower(step+"-"+p.who), "-"))
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if assert.NoError(p.t, err) {
		assert.NoError(p.t, os.WriteFile(name+".png", png, 0o644))
	}
	html, err := chromedp.Run(ctx, chromedp.OuterHTML(chromedp.CSS("html")))
	if assert.NoError(p.t, err) {
		assert.NoError(p.t, os.WriteFile(name+".html", []byte(html), 0o644))
	}
	assert.NoError(p.t, os.WriteFile(name+".log", []byte(p.watch.history()), 0o644))
	p.t.Logf("what %s saw is in %s.{png,html,log}", p.who, name)
}
