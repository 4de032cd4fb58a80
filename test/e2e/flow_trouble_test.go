package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connected sets whether the browser is online.
func (p *page) connected(is bool) {
	p.t.Helper()
	conditions := []*network.Conditions{}
	if !is {
		conditions = append(conditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	p.call(
		chromedpCall(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions}),
		chromedpCall(network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !is, DownloadThroughput: -1, UploadThroughput: -1}),
	)
}

func (f *flow) offline(t *testing.T, p *page) {
	const title, question = "Renew the passport", "What's pending?"
	p.turnTo(list)
	f.remembers(p)
	var answer func() reply
	p.expecting(`ERR_INTERNET_DISCONNECTED`, func() {
		p.step("goes offline", func() {
			p.connected(false)
			p.fill(newTodo, title)
			p.click(addTodo)
			p.reads("The server cannot be reached. Check your connection.")
			p.reads("The server is not available. Your todos may be out of date. Trying again…")
			p.lists(f.todos...)
			p.photograph("offline")
		})
		p.step("sends a message offline", func() {
			answer = p.tell(question)
			p.sees(button("Retry"))
			p.turnTo(assistant)
			p.photograph("offline-assistant")
		})
		p.step("is online again", func() {
			p.connected(true)
			p.until("the notice has gone", func() error {
				_, err := ask[bool](p, `() => { if (document.body.innerText.includes("The server is not available")) throw new Error("it is there"); return true; }`)
				return err
			})
		})
	})
	p.step("tries again", func() {
		p.click(addTodo) // the text is still there
		p.sees(tick(title))
		p.click(button("Retry"))
		assert.Equal(t, []string{"list_tasks"}, answer().Tools)
		p.click(remove(title))
		p.lists(f.todos...)
	})
	f.remembers(p)
}

func (f *flow) backendAway(_ *testing.T, p *page) {
	p.turnTo(list)
	p.expecting(`no answer for GET /api/`, func() {
		p.step("sees that the backend does not answer", func() {
			p.call(chromedpCall(network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{
				{URLPattern: p.base + "/api/auth/*", Block: false},
				{URLPattern: p.base + "/api/*", Block: true},
			}}))
			p.reload()
			p.reads("Your todos could not be loaded")
			p.sees(button("Try again").in(`section[aria-labelledby="todos-heading"]`))
			p.photograph("backend-away")
			p.turnTo(assistant)
			p.photograph("backend-away-assistant")
		})
		p.step("sees that the backend answers again", func() {
			p.call(chromedpCall(network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{}}))
			p.lists(f.todos...) // without a reload
		})
	})
	p.step("finds everything", func() {
		p.reload()
		f.finds(p)
	})
}

// outage matches the problems that are allowed while pods are replaced.
const outage = `answer 50\d|status of 50\d|ERR_(EMPTY_RESPONSE|CONNECTION|INCOMPLETE)|Server Components|React error #441`

func (f *flow) restarts(t *testing.T, p *page) {
	r := findRelease(t)
	b := f.bens.in(t)
	b.allowing(outage, func() {
		p.allowing(outage, func() {
			p.step("continues while the backend restarts", func() {
				p.replace(r.component("backend"), func(func() error) {})
				f.finds(p)
			})
		})
		p.step("finds everything", func() {
			p.reload()
			f.finds(p)
		})
		p.allowing(outage, func() {
			p.step("continues while the database restarts", func() {
				p.replace(r.component("postgresql"), p.seesDatabaseAway)
				f.finds(p) // without a reload
			})
		})
		p.step("finds everything", func() {
			p.reload()
			f.finds(p)
		})
	})
	assert.Equal(t, []string{"list_tasks"}, p.says("What's pending?").Tools)
	f.remembers(p)
}

// replace deletes pods, calls meanwhile, and waits until new pods are ready; back
// tells whether they are.
func (p *page) replace(these pods, meanwhile func(back func() error)) {
	p.t.Helper()
	gone, err := these.remove(p.t.Context())
	require.NoError(p.t, err)
	back := func() error { return these.replaced(p.t.Context(), gone) }
	meanwhile(back)
	p.within(comeback, time.Second, "new pods of "+these.component+" are ready", back)
}

// seesDatabaseAway reloads the page while the database does not answer. On a fast
// machine the database can answer again before the page asks, which is right too.
func (p *page) seesDatabaseAway(back func() error) {
	p.t.Helper()
	sorry := heading("Your todos cannot be reached right now")
	away := errNotThere
	p.within(comeback, time.Second, "the page reports the outage, or the database answers again", func() error {
		p.reload()
		if _, away = p.find(sorry); away == nil {
			return nil
		}
		return back()
	})
	if away != nil {
		p.t.Log("the database answered again before the page asked")
		return
	}
	p.photograph("database-away")
}
