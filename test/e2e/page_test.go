package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/kube"
)

const (
	// patience is how long the page may take after a click or a key.
	patience = 20 * time.Second
	// glance is the time between two attempts.
	glance = 100 * time.Millisecond
)

// until tries again until an attempt succeeds, and fails with the last error.
func (p *page) until(what string, attempt func() error) {
	p.t.Helper()
	p.within(patience, glance, what, attempt)
}

func (p *page) within(limit, every time.Duration, what string, attempt func() error) {
	p.t.Helper()
	poll := kube.Poll{Every: every, Within: limit, RetryRefusals: true}
	if err := poll.Until(p.ctx, func(context.Context) error { return attempt() }); err != nil {
		p.t.Fatalf("%s: wait until %s: %v", p.who, what, err)
	}
}

// open opens a path of the application.
func (p *page) open(path string) {
	p.t.Helper()
	p.call(chromedp.Navigate(p.base + path))
}

func (p *page) reload() {
	p.t.Helper()
	p.call(chromedp.Reload())
}

// ask calls a JavaScript function in the page.
func ask[T any](p *page, function string, args ...any) (T, error) {
	encoded := make([]string, len(args))
	for i, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			return *new(T), err
		}
		encoded[i] = string(text)
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T]("("+function+")("+strings.Join(encoded, ", ")+")", chromedp.EvalAwaitPromise))
}

// element names exactly one element of the accessibility tree. A name that ends in …
// is the beginning of the whole name; within is a CSS selector for its container.
type element struct{ role, name, within string }

func button(name string) element  { return element{role: "button", name: name} }
func link(name string) element    { return element{role: "link", name: name} }
func field(name string) element   { return element{role: "textbox", name: name} }
func tick(title string) element   { return element{role: "checkbox", name: "Done: " + title} }
func heading(name string) element { return element{role: "heading", name: name} }

func (e element) in(selector string) element {
	e.within = selector
	return e
}

func (e element) String() string { return fmt.Sprintf("%s %q", e.role, e.name) }

var errNotThere = errors.New("is not there")

// find searches once.
func (p *page) find(e element) (cdp.BackendNodeID, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	root := "document"
	if e.within != "" {
		root = fmt.Sprintf("document.querySelector(%q)", e.within)
	}
	object, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](root))
	if err != nil {
		return 0, err
	}
	if object.ObjectID == "" {
		return 0, fmt.Errorf("%s: %q %w", e, e.within, errNotThere)
	}
	query := accessibility.QueryAXTreeParams{ObjectID: object.ObjectID, Role: e.role, AccessibleName: e.name}
	beginning, cut := strings.CutSuffix(e.name, "…")
	if cut {
		query.AccessibleName = ""
	}
	found, err := chromedp.Call(ctx, accessibility.QueryAXTree, query)
	if err != nil {
		return 0, fmt.Errorf("search for %s: %w", e, err)
	}
	nodes := slices.DeleteFunc(found.Nodes, func(n *accessibility.Node) bool {
		return n.Ignored || cut && !strings.HasPrefix(nameOf(n), beginning)
	})
	switch len(nodes) {
	case 0:
		return 0, fmt.Errorf("%s %w", e, errNotThere)
	case 1:
		return nodes[0].BackendDOMNodeID, nil
	}
	return 0, fmt.Errorf("%s is there %d times", e, len(nodes))
}

func nameOf(n *accessibility.Node) string {
	var name string
	if n.Name == nil || json.Unmarshal(n.Name.Value, &name) != nil {
		return ""
	}
	return name
}

// of calls a JavaScript function with the element as this.
func of[T any](p *page, e element, function string) (T, error) {
	id, err := p.find(e)
	if err != nil {
		return *new(T), err
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	node, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: id})
	if err != nil {
		return *new(T), err
	}
	return chromedp.Run(ctx, chromedp.CallFunctionOn[T](function, func(c *runtime.CallFunctionOnParams) { c.ObjectID = node.Object.ObjectID }))
}

func (p *page) sees(e element) {
	p.t.Helper()
	p.until("the page has "+e.String(), func() error {
		_, err := p.find(e)
		return err
	})
}

func (p *page) lacks(e element) {
	p.t.Helper()
	p.until("the page no longer has "+e.String(), func() error {
		_, err := p.find(e)
		switch {
		case errors.Is(err, errNotThere):
			return nil
		case err != nil:
			return err
		}
		return errors.New("it is there")
	})
}

// reads waits for a visible text.
func (p *page) reads(text string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the page says %q", text), func() error {
		said, err := ask[string](p, `() => document.body.innerText`)
		if err == nil && !strings.Contains(said, text) {
			err = fmt.Errorf("it says %q", said)
		}
		return err
	})
}

// spot is a point of an element, or the reason why there is none.
type spot struct {
	X, Y float64
	Why  string
}

const spotOf = `function () {
	this.scrollIntoView({ block: "nearest", inline: "nearest" });
	const { x, y, width, height } = this.getBoundingClientRect();
	const spot = { X: x + width / 2, Y: y + height / 2, Why: "" };
	const top = document.elementFromPoint(spot.X, spot.Y);
	if (this.disabled) spot.Why = "it is disabled";
	else if (!this.contains(top)) spot.Why = "it is covered by " + (top ? top.outerHTML.slice(0, 200) : "nothing");
	return spot;
}`

// point waits until an element stands still, enabled and not covered.
func (p *page) point(e element) spot {
	p.t.Helper()
	var last, now spot
	p.until(e.String()+" can be clicked", func() error {
		var err error
		last = now
		now, err = of[spot](p, e, spotOf)
		switch {
		case err != nil:
			return err
		case now.Why != "":
			return errors.New(now.Why)
		case now != last:
			return errors.New("it moves")
		}
		return nil
	})
	return now
}

func (p *page) click(e element) {
	p.t.Helper()
	at := p.point(e)
	p.call(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y))
}

func (p *page) hover(e element) {
	p.t.Helper()
	at := p.point(e)
	p.call(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X, at.Y))
}

// fill replaces the text of a field.
func (p *page) fill(e element, text string) {
	p.t.Helper()
	p.click(e)
	_, err := of[bool](p, e, `function () { this.select(); return true; }`)
	require.NoError(p.t, err)
	p.call(chromedpCall(input.InsertText, input.InsertTextParams{Text: text}))
}

// press presses keys, one after the other.
func (p *page) press(keys string) {
	p.t.Helper()
	p.call(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the element has the focus, and requires a focus ring.
func (p *page) tabTo(e element) {
	p.t.Helper()
	const enough = 30
	for range enough {
		p.press("\t")
		if focused, err := of[bool](p, e, `function () { return this === document.activeElement && this.matches(":focus-visible"); }`); err == nil && focused {
			return
		}
	}
	p.t.Fatalf("%s does not come to %s with %d presses of Tab", p.who, e, enough)
}
