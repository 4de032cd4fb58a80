package e2e

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func (f *flow) byHand(_ *testing.T, p *page) {
	p.turnTo(list)
	p.step("adds todos", func() {
		p.adds("Pay the electricity bill")
		p.adds("Call mom tonight")
		p.adds("Water the plants")
		p.adds("Return the library books")
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom tonight", "[ ] Pay the electricity bill")
	})
	p.step("edits one", func() {
		p.click(edit("Call mom tonight"))
		p.fill(field("Title"), "Call mom on Sunday")
		p.fill(field("Details"), "Ask about the recipe for plum cake")
		p.photograph("editing")
		p.click(button("Save"))
		p.reads("Ask about the recipe for plum cake")
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom on Sunday", "[ ] Pay the electricity bill")
	})
	p.step("begins to edit one and does not", func() {
		p.click(edit("Water the plants"))
		p.fill(field("Title"), "Water the lawn")
		p.click(button("Cancel"))
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom on Sunday", "[ ] Pay the electricity bill")
	})
	p.step("completes one", func() {
		p.click(tick("Pay the electricity bill"))
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
		p.reads("3 to do, 1 done")
		p.photograph("list")
	})
	p.step("filters by to do and by done", func() {
		p.click(button("To do…"))
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom on Sunday")
		p.photograph("list-to-do")
		p.click(button("Done…"))
		p.lists("[x] Pay the electricity bill")
		p.photograph("list-done")
		p.click(button("All…"))
	})
	p.step("deletes one and undoes it", func() {
		p.click(remove("Return the library books"))
		p.lists("[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
		p.click(button("Undo"))
		p.lists("[ ] Return the library books", "[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
		p.lacks(button("Undo"))
		p.photograph("deleted-undone")
	})
	p.step("deletes one", func() {
		p.click(remove("Return the library books"))
		p.lists("[ ] Water the plants", "[ ] Call mom on Sunday", "[x] Pay the electricity bill")
		p.hover(button("Undo")) // keeps the message shown
		p.resize(phone)
		p.point(button("Assistant").in("nav")) // the message must not cover it
		p.photograph("deleted", button("Undo"))
	})
	p.settle()
}

// remembers saves the shown todos and conversation for later steps.
func (f *flow) remembers(p *page) {
	p.t.Helper()
	p.settle()
	p.until("todos and conversation can be read", func() (err error) {
		if f.todos, err = p.todos(); err != nil {
			return err
		}
		if f.said, err = p.conversation(); err != nil {
			return err
		}
		if len(f.todos) == 0 || len(f.said) == 0 {
			return errors.New("there are no todos, or no conversation")
		}
		return nil
	})
}

// finds waits until the saved todos and conversation are shown.
func (f *flow) finds(p *page) {
	p.t.Helper()
	p.lists(f.todos...)
	p.tells(f.said)
}

func (f *flow) reload(_ *testing.T, p *page) {
	p.step("reloads", func() {
		f.remembers(p)
		p.reload()
		f.finds(p)
		p.inSight()
	})
	p.step("reloads on the phone and turns to the assistant", func() {
		p.resize(phone)
		p.reload()
		p.loaded()
		p.click(button("Assistant").in("nav"))
		p.inSight()
		p.click(button("Todos").in("nav"))
		p.click(button("Assistant").in("nav"))
		p.inSight()
		p.resize(desktop)
	})
	p.step("signs out and in again", func() {
		p.signsOut(f.anna)
		p.open("/")
		p.sees(heading("Welcome back"))
		p.fill(field("Email"), f.anna.email)
		p.fill(field("Password"), f.anna.password)
		p.click(button("Sign in"))
		f.finds(p)
	})
}

func (p *page) signsOut(who person) {
	p.t.Helper()
	p.click(button("Account of " + who.name))
	p.click(element{role: "menuitem", name: "Sign out"})
	p.sees(heading("Welcome back"))
}

func (f *flow) dark(_ *testing.T, p *page) {
	shows := func(theme string) {
		p.t.Helper()
		p.until("the page is "+theme, func() error {
			_, err := ask[bool](p, `(theme) => {
				const canvas = getComputedStyle(document.documentElement).backgroundColor;
				const [lightness] = canvas.match(/[\d.]+/g).map(Number);
				const middle = canvas.startsWith("rgb") ? 128 : canvas.startsWith("l") ? 50 : 0.5; // lab, lch; oklab, oklch
				const shown = lightness < middle ? "dark" : "light";
				if (shown !== theme) throw new Error("it is " + shown + ": " + canvas);
				return true;
			}`, theme)
			return err
		})
	}
	p.step("has a dark system theme", func() {
		p.prefers("dark")
		p.reload()
		p.loaded()
		shows("dark")
	})
	p.step("chooses the light theme", func() {
		p.click(button("Switch between light and dark"))
		shows("light")
		p.reload()
		p.loaded()
		shows("light")
	})
	p.prefers("light")
	f.finds(p)
}

func (f *flow) keyboard(_ *testing.T, p *page) {
	const title = "Book a table for two"
	p.signsOut(f.anna)
	p.step("signs in by keyboard", func() {
		p.reload()
		p.sees(button("Sign in"))
		p.tabTo(field("Email"))
		p.press(f.anna.email)
		p.tabTo(field("Password"))
		p.press(f.anna.password)
		p.tabTo(button("Show password"))
		p.press(" ")
		p.sees(button("Hide password"))
		p.press(" ")
		p.tabTo(button("Sign in"))
		p.photograph("keyboard-sign-in")
		p.press("\r")
		p.sees(heading("Your todos"))
		p.loaded()
	})
	p.step("adds a todo by keyboard", func() {
		p.tabTo(newTodo)
		p.press(title)
		p.tabTo(addTodo)
		p.press(" ")
		p.sees(tick(title))
		p.settle()
	})
	p.step("completes it by keyboard", func() {
		p.tabTo(tick(title))
		p.photograph("keyboard-todo")
		p.press(" ")
		p.until("it is done", func() error {
			shown, err := p.todos()
			if err == nil && !slices.Contains(shown, "[x] "+title) {
				err = fmt.Errorf("shown: %q", shown)
			}
			return err
		})
	})
	f.remembers(p)
}
