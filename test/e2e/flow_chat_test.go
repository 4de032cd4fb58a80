package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (f *flow) byTalking(t *testing.T, p *page) {
	p.turnTo(assistant)
	assert.Equal(t, []string{"add_task"}, p.says("Add a task to buy groceries").Tools)
	p.lists("[ ] Buy groceries", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
	p.step("sees the tools of the answer", func() {
		p.click(element{role: "DisclosureTriangle", name: "Added “Buy groceries”"})
		p.reads(`"title": "Buy groceries"`)
		p.photograph("answered")
	})
	assert.Contains(t, p.says("Change 'Buy groceries' to 'Buy groceries for Sunday'").Tools, "update_task")
	p.lists("[ ] Buy groceries for Sunday", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
	assert.Contains(t, p.says("Mark 'Buy groceries for Sunday' as done").Tools, "complete_task")
	p.lists("[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Buy groceries for Sunday", "[x] Pay the electricity bill")
	done := p.says("What have I completed?")
	assert.Equal(t, []string{"list_tasks"}, done.Tools)
	assert.Contains(t, done.Text, "Buy groceries for Sunday")
	assert.NotContains(t, done.Text, "Water the plants")
	assert.Equal(t, []string{"list_tasks", "delete_task"}, p.says("Delete the groceries task").Tools)
	p.lists("[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
	p.photograph("talked")
}

func (f *flow) askBack(t *testing.T, p *page) {
	p.step("has two todos with similar titles", func() {
		p.adds("Team meeting")
		p.adds("Meeting with Bob")
	})
	asked := p.says("Delete the meeting task")
	assert.NotContains(t, asked.Tools, "delete_task")
	for _, word := range []string{"Team meeting", "Meeting with Bob", "?"} {
		assert.Contains(t, asked.Text, word)
	}
	p.lists("[ ] Meeting with Bob", "[ ] Team meeting", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
	p.photograph("asked-back")
	assert.Contains(t, p.says("the one with Bob").Tools, "delete_task")
	p.lists("[ ] Team meeting", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
}

const (
	first  = "Add a task to buy groceries" // a conversation has its first message as its title
	second = "Show me all my tasks"
)

// opens opens a conversation.
func (p *page) opens(title string) {
	p.t.Helper()
	p.click(button("Conversations"))
	p.click(button(title + "…"))
}

func (f *flow) conversations(t *testing.T, p *page) {
	f.remembers(p)
	before := f.said
	p.step("begins another conversation", func() {
		p.click(button("New conversation"))
		p.reads("What can I do for you?")
	})
	assert.Equal(t, []string{"list_tasks"}, p.says(second).Tools)
	p.step("sees both in the list", func() {
		p.click(button("Conversations"))
		p.sees(button(first + "…"))
		p.sees(button(second + "…"))
		p.photograph("conversations")
		p.press("\x1b")
	})
	p.step("opens the first again", func() {
		p.opens(first)
		p.tells(before)
	})
	p.step("scrolls to its beginning", p.scrollsUp)
	p.says("What's pending?")
	f.remembers(p)
	require.Greater(t, len(f.said), len(before), "the first conversation has new messages")
	p.step("switches between them", func() {
		p.opens(second)
		p.reads(second)
		p.opens(first)
		p.tells(f.said)
	})
	var err error
	f.firstConversation, err = ask[string](p, `() => location.search`)
	require.NoError(t, err)
	require.Regexp(t, `^\?conversation=\d+$`, f.firstConversation)
}

func (f *flow) another(t *testing.T, p *page) {
	b := f.bens.in(t)
	b.step("finds an empty list and no conversation", func() {
		b.open("/")
		b.loaded()
		b.lists()
		b.reads("Nothing here yet")
		b.reads("What can I do for you?")
		b.lacks(button("Conversations"))
		b.photograph("another-person")
	})
	b.step("follows a link to a conversation of someone else", func() {
		b.expecting(`404`, func() {
			b.open("/" + f.firstConversation)
			b.turnTo(assistant)
			b.reads("This conversation does not exist any more.")
		})
		b.photograph("another-persons-conversation")
	})
	answer := b.says("Show me all my tasks")
	assert.Equal(t, []string{"list_tasks"}, answer.Tools)
	assert.NotContains(t, answer.Text, "Water the plants")
	f.watches(t, b)
	b.settle()
	p.step("still has everything", func() {
		p.reload()
		f.finds(p)
	})
}

// watches reads and stops partial answers; Ben has a bad connection.
func (f *flow) watches(t *testing.T, b *page) {
	coming := func() {
		b.t.Helper()
		b.until("a part of the answer is shown", func() error {
			now, err := b.replies()
			if err == nil && (len(now) == 0 || !now[len(now)-1].Busy || !strings.Contains(now[len(now)-1].Text, " ")) {
				err = fmt.Errorf("the answers are %+v", now)
			}
			return err
		})
		b.sees(button("Stop the answer"))
	}
	b.step("watches a partial answer", func() {
		release := f.line.hold()
		defer release()
		answer := b.tell("Add a task to buy groceries")
		coming()
		b.lists("[ ] Buy groceries")
		b.photograph("answering")
		coming()
		release()
		assert.Equal(t, []string{"add_task"}, answer().Tools)
	})
	stops := func() {
		b.t.Helper()
		release := f.line.hold()
		defer release()
		b.tell("What's pending?")
		coming()
		b.click(button("Stop the answer"))
		b.reads("You stopped the answer.")
	}
	before, err := b.conversation()
	require.NoError(t, err)
	b.step("stops an answer", func() {
		stops()
		b.photograph("stopped")
	})
	b.step("retries, and the message is there once", func() {
		b.click(button("Retry"))
		b.lacks(button("Retry"))
		b.until("the whole answer is shown", func() error {
			now, err := b.conversation()
			if err == nil && (len(now) != len(before)+2 || !strings.HasPrefix(now[len(now)-1], "(list_tasks) ")) {
				err = fmt.Errorf("the conversation is %q", now[min(len(before), len(now)):])
			}
			return err
		})
	})
	b.step("stops another", stops)
	assert.Equal(t, []string{"list_tasks"}, b.says("Show me all my tasks").Tools, "the stopped answer is kept")
}

func (f *flow) deletes(_ *testing.T, p *page) {
	p.turnTo(assistant)
	p.step("cancels the deletion of a conversation", func() {
		p.click(button("Conversations"))
		p.click(button("Delete conversation " + second))
		p.reads("Delete this conversation?")
		p.photograph("delete-conversation")
		p.click(button("Keep it"))
		p.lacks(button("Keep it"))
		p.sees(button("Delete conversation " + second))
		p.press("\x1b")
		p.lacks(button("Delete conversation " + second))
	})
	for _, title := range []string{second, first} {
		p.step("deletes the conversation "+title, func() {
			p.click(button("Conversations"))
			p.click(button("Delete conversation " + title))
			p.click(button("Delete"))
			p.lacks(button("Delete conversation " + title))
		})
	}
	p.step("has no conversation left", func() {
		p.reload()
		p.reads("What can I do for you?")
		p.lacks(button("Conversations"))
		p.loaded()
	})
	p.step("deletes the todos", func() {
		for _, shown := range f.todos {
			p.click(remove(shown[len("[x] "):]))
		}
		p.lists()
		p.reads("Nothing here yet")
		p.settle()
		p.reload()
		p.loaded()
		p.lists()
	})
}
