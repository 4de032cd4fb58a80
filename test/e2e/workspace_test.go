package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Elements of the page of a signed-in person.

var (
	newTodo = field("What needs doing?")
	addTodo = button("Add todo")
	message = field("Message")
	send    = button("Send")
)

// messages is the CSS selector of the conversation.
const messages = `section[aria-label="Messages"]`

func edit(title string) element   { return button("Edit " + title) }
func remove(title string) element { return button("Delete " + title) }

// todos reads the shown list: "[x] title" is done, "[ ] title" is to do.
func (p *page) todos() ([]string, error) {
	return ask[[]string](p, `() => [...document.querySelectorAll('ul[aria-label="Todos"] > li[data-task-id]')].map((li) => {
		const done = li.querySelector('input[type="checkbox"]')?.checked;
		return (done === undefined ? "[…]" : done ? "[x]" : "[ ]") + " " + (li.querySelector("p")?.innerText ?? "");
	})`)
}

// lists waits until exactly these todos are shown, in this order.
func (p *page) lists(want ...string) {
	p.t.Helper()
	p.until("the list is as expected", func() error { return p.shown(p.todos, want) })
}

// conversation reads the messages and the tools that the assistant called.
func (p *page) conversation() ([]string, error) {
	return ask[[]string](p, `(messages) => [...document.querySelectorAll(messages + " > div > *")].map((part) => {
		const tools = [...part.querySelectorAll("details[data-tool]")].map((call) => "(" + call.dataset.tool + ") ");
		const text = [...part.childNodes].filter((node) => node.nodeName !== "UL").map((node) => node.textContent);
		return tools.join("") + text.join("");
	})`, messages)
}

// tells waits until exactly this conversation is shown.
func (p *page) tells(want []string) {
	p.t.Helper()
	p.until("the conversation is as expected", func() error { return p.shown(p.conversation, want) })
}

func (p *page) shown(read func() ([]string, error), want []string) error {
	got, err := read()
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("shown:\n\t%s\nwanted:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	return err
}

// adds adds a todo by hand.
func (p *page) adds(title string) {
	p.t.Helper()
	p.fill(newTodo, title)
	p.click(addTodo)
	p.sees(tick(title))
}

// reply is an answer of the assistant and the tools that it called.
type reply struct {
	Busy  bool
	Tools []string
	Text  string
}

func (p *page) replies() ([]reply, error) {
	return ask[[]reply](p, `(messages) => [...document.querySelectorAll(messages + " [aria-busy]")].map((reply) => ({
		Busy: reply.getAttribute("aria-busy") === "true",
		Tools: [...reply.querySelectorAll("details[data-tool]")].map((call) => call.dataset.tool),
		Text: [...reply.children].filter((part) => part.nodeName !== "UL").map((part) => part.innerText).join("\n"),
	}))`, messages)
}

// tell sends a message to the assistant; answer waits for the reply.
func (p *page) tell(text string) (answer func() reply) {
	p.t.Helper()
	before, err := p.replies()
	require.NoError(p.t, err)
	p.fill(message, text)
	p.click(send)
	return func() reply {
		p.t.Helper()
		var last reply
		p.until(fmt.Sprintf("the assistant has answered %q", text), func() error {
			now, err := p.replies()
			if err != nil {
				return err
			}
			if len(now) != len(before)+1 || now[len(now)-1].Busy {
				return fmt.Errorf("%d answers before, now %+v", len(before), now[min(len(before), len(now)):])
			}
			last = now[len(now)-1]
			_, err = p.find(send)
			return err
		})
		p.inSight()
		return last
	}
}

// inSight waits until the end of the conversation is visible.
func (p *page) inSight() {
	p.t.Helper()
	p.until("the newest message is visible", func() error {
		_, err := ask[bool](p, `(messages) => {
			const log = document.querySelector(messages);
			const end = log.firstElementChild.lastElementChild.getBoundingClientRect().bottom;
			const { top, bottom, height } = log.getBoundingClientRect();
			if (height === 0) throw new Error("the conversation is not shown");
			if (end < top || end > bottom) throw new Error("it ends at " + end + ", and " + top + " to " + bottom + " is shown");
			return true;
		}`, messages)
		return err
	})
}

// scrollsUp turns the wheel over the conversation.
func (p *page) scrollsUp() {
	p.t.Helper()
	const far = -5_000
	at, err := ask[spot](p, `(messages) => {
		const { x, y, width, height } = document.querySelector(messages).getBoundingClientRect();
		return { X: x + width / 2, Y: y + height / 2, Why: "" };
	}`, messages)
	require.NoError(p.t, err)
	p.call(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseWheel, at.X, at.Y,
		// A delta of zero would be omitted, and the protocol requires both.
		func(wheel *input.DispatchMouseEventParams) { wheel.DeltaX, wheel.DeltaY = 1, far }))
	p.sees(button("Go to the newest message"))
}

// says sends a message and returns the reply.
func (p *page) says(text string) reply {
	p.t.Helper()
	var answer reply
	p.step(fmt.Sprintf("says %q", text), func() { answer = p.tell(text)() })
	return answer
}

// part is a part of the page; a phone shows one at a time.
type part string

const (
	list      part = "Todos"
	assistant part = "Assistant"
)

// turnTo sets the part that pictures of phones show; a desktop shows both.
func (p *page) turnTo(shown part) {
	p.t.Helper()
	p.resize(phone)
	p.click(button(string(shown)).in("nav"))
	p.resize(desktop)
}

// loaded waits until the todos are shown; then the page's scripts run.
func (p *page) loaded() {
	p.t.Helper()
	p.until("the todos are loaded", func() error {
		ready, err := ask[bool](p, `() => document.querySelector('h2#todos-heading + p')?.innerText.trim().length > 1`)
		if err == nil && !ready {
			err = errors.New("there is no summary of them")
		}
		return err
	})
}
