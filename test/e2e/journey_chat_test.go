package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (j *journey) byTalking(t *testing.T, p *page) {
	p.turnTo(assistant)
	assert.Equal(t, []string{"add_task"}, p.says("Add a task to buy groceries").Tools)
	p.lists("[ ] Buy groceries", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
	p.step("looks at what the assistant did", func() {
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

func (j *journey) askBack(t *testing.T, p *page) {
	p.step("has two todos of one kind", func() {
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
	first  = "Add a task to buy groceries" // conversations are called by how they began
	second = "Show me all my tasks"
)

// opens chooses a conversation.
func (p *page) opens(title string) {
	p.t.Helper()
	p.click(button("Conversations"))
	p.click(button(title + "…"))
}

func (j *journey) conversations(t *testing.T, p *page) {
	j.remembers(p)
	before := j.said
	p.step("begins another", func() {
		p.click(button("New conversation"))
		p.reads("What can I do for you?")
	})
	assert.Equal(t, []string{"list_tasks"}, p.says(second).Tools)
	p.step("looks at both", func() {
		p.click(button("Conversations"))
		p.sees(button(first + "…"))
		p.sees(button(second + "…"))
		p.photograph("conversations")
		p.press("\x1b")
	})
	p.step("goes back to the first", func() {
		p.opens(first)
		p.tells(before)
	})
	p.step("looks at how it began", p.scrollsUp)
	p.says("What's pending?") // and sees the answer
	j.remembers(p)
	require.Greater(t, len(j.said), len(before), "the first conversation goes on")
	p.step("goes from one to the other", func() {
		p.opens(second)
		p.reads(second)
		p.opens(first)
		p.tells(j.said)
	})
	var err error
	j.firstConversation, err = ask[string](p, `() => location.search`)
	require.NoError(t, err)
	require.Regexp(t, `^\?conversation=\d+$`, j.firstConversation)
}

func (j *journey) another(t *testing.T, p *page) {
	b := j.bens.in(t)
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
			b.open("/" + j.firstConversation)
			b.turnTo(assistant)
			b.reads("This conversation does not exist any more.")
		})
		b.photograph("another-persons-conversation")
	})
	answer := b.says("Show me all my tasks")
	assert.Equal(t, []string{"list_tasks"}, answer.Tools)
	assert.NotContains(t, answer.Text, "Water the plants")
	j.watches(t, b)
	b.settle()
	p.step("still has everything", func() {
		p.reload()
		j.finds(p)
	})
}

// watches is how answers come to Ben, whose line is bad.
func (j *journey) watches(t *testing.T, b *page) {
	coming := func() {
		b.t.Helper()
		b.until("a part of the answer is there", func() error {
			now, err := b.replies()
			if err == nil && (len(now) == 0 || !now[len(now)-1].Busy || !strings.Contains(now[len(now)-1].Text, " ")) {
				err = fmt.Errorf("the answers are %+v", now)
			}
			return err
		})
		b.sees(button("Stop the answer"))
	}
	b.step("watches an answer come", func() {
		release := j.line.hold()
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
		release := j.line.hold()
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
	b.step("wants it after all, and has not said it twice", func() {
		b.click(button("Retry"))
		b.lacks(button("Retry"))
		b.until("the whole answer is there", func() error {
			now, err := b.conversation()
			if err == nil && (len(now) != len(before)+2 || !strings.HasPrefix(now[len(now)-1], "(list_tasks) ")) {
				err = fmt.Errorf("the conversation is %q", now[min(len(before), len(now)):])
			}
			return err
		})
	})
	b.step("stops another", stops)
	assert.Equal(t, []string{"list_tasks"}, b.says("Show me all my tasks").Tools, "what was stopped stays where it is")
}

func (j *journey) deletes(_ *testing.T, p *page) {
	p.turnTo(assistant)
	p.step("thinks again about deleting a conversation", func() {
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
	p.step("has no conversations", func() {
		p.reload()
		p.reads("What can I do for you?")
		p.lacks(button("Conversations"))
		p.loaded()
	})
	p.step("deletes the todos", func() {
		for _, shown := range j.todos {
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
