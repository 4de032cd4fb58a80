package e2e

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// person is someone with an account. Accounts cannot be deleted, so each run adds
// two; their addresses name this test.
type person struct{ name, email, password string }

func newPerson(name string) person {
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	return person{name: name, email: "e2e-" + first + "-" + strings.ToLower(rand.Text()[:10]) + "@example.com", password: rand.Text()}
}

// flow is the use of the application by two people, Anna and Ben. Its steps follow
// one another: each continues with the todos and conversations of the step before.
type flow struct {
	anna, ben         person
	annas, bens       *page
	line              *line // Ben's
	album             *album
	todos, said       []string // at the end of the last step
	firstConversation string   // its address
}

func TestTwoPeopleUseApplication(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser: not under -short")
	}
	base := address(t)
	album := newAlbum(t)
	var noAxe error
	album.axe, noAxe = findAxe(t)
	browser := startBrowser(t)
	line := newLine(t, base)
	f := &flow{
		anna: newPerson("Anna Berg"), ben: newPerson("Ben Cole"), line: line, album: album,
		annas: newPage(t, browser, base, "Anna", album), bens: newPage(t, browser, line.address, "Ben", album),
	}
	for _, step := range []struct {
		name string
		run  func(*testing.T, *page)
	}{
		{"a visitor is asked to sign in", f.visitor},
		{"an account is made from valid input only", f.signUp},
		{"todos are managed by hand", f.byHand},
		{"todos are managed in the chat", f.byTalking},
		{"the assistant asks about an ambiguous todo", f.askBack},
		{"conversations are separate", f.conversations},
		{"a reload shows everything again", f.reload},
		{"nothing is lost offline", f.offline},
		{"an unavailable backend is reported until it answers again", f.backendAway},
		{"everything is kept when pods restart", f.restarts},
		{"the theme follows the system until it is chosen", f.dark},
		{"the keyboard is enough", f.keyboard},
		{"another person sees nothing of it", f.another},
		{"conversations and todos are deleted", f.deletes},
	} {
		passed := t.Run(step.name, func(t *testing.T) {
			page := f.annas.in(t)
			step.run(t, page)
			page.untroubled()
			f.bens.in(t).untroubled()
		})
		if !passed {
			f.annas.evidence(step.name)
			f.bens.evidence(step.name)
			t.FailNow()
		}
	}
	t.Run("axe finds no serious violation", func(t *testing.T) {
		if noAxe != nil {
			t.Skip(noAxe)
		}
		bad, minor := album.faults.report()
		t.Logf("axe-core %s inspected %d states, in %d sizes and %d themes; minor violations:\n%s",
			album.axe.version, album.states, len(sizes), len(themes), strings.Join(minor, "\n"))
		assert.Empty(t, bad, strings.Join(bad, "\n"))
	})
}

func (f *flow) visitor(_ *testing.T, p *page) {
	p.step("comes to the application", func() {
		p.open("/")
		p.sees(heading("Welcome back"))
		p.sees(button("Sign in"))
		p.photograph("sign-in")
	})
	p.step("has no account yet", func() {
		p.expecting(`401`, func() {
			p.fill(field("Email"), f.anna.email)
			p.fill(field("Password"), f.anna.password)
			p.click(button("Sign in"))
			p.reads("The email or the password is wrong.")
		})
	})
}

// fillIn fills in the form of a new account.
func (p *page) fillIn(who person) {
	p.t.Helper()
	p.fill(field("Name"), who.name)
	p.fill(field("Email"), who.email)
	p.fill(field("Password"), who.password)
}

// joins signs up.
func (p *page) joins(who person) {
	p.t.Helper()
	p.open("/sign-up")
	p.fillIn(who)
	p.click(button("Create account"))
	p.sees(heading("Your todos"))
	p.loaded()
}

func (f *flow) signUp(t *testing.T, p *page) {
	b := f.bens.in(t)
	b.step("makes an account", func() { b.joins(f.ben) })
	p.step("gives a password that is too short", func() {
		p.click(link("Create an account"))
		p.sees(heading("Create your account"))
		short := f.anna
		short.password = "short"
		p.fillIn(short)
		p.click(button("Create account"))
		p.until("the browser points at the password", func() error {
			_, err := of[bool](p, field("Password"), `function () {
				if (this !== document.activeElement || !this.validity.tooShort) throw new Error("it does not");
				return true;
			}`)
			return err
		})
	})
	p.step("gives an address that has an account", func() {
		taken := f.anna
		taken.email = f.ben.email
		p.fillIn(taken)
		p.expecting(`422`, func() {
			p.click(button("Create account"))
			p.reads("An account with this email already exists. Sign in instead?")
		})
		p.photograph("sign-up-refused")
	})
	p.step("makes an account", func() {
		p.fillIn(f.anna)
		p.click(button("Create account"))
		p.sees(heading("Your todos"))
		p.loaded()
		p.reads("Nothing here yet")
		p.lists()
		p.photograph("empty")
	})
	p.step("looks at the assistant", func() {
		p.turnTo(assistant)
		p.reads("What can I do for you?")
		p.photograph("empty-assistant")
	})
	// The account's menu shows the name from the form.
	p.step("opens the account's menu", func() {
		p.click(button("Account of " + f.anna.name))
		p.reads(f.anna.email)
		p.photograph("account")
		p.press("\x1b")
		p.lacks(element{role: "menuitem", name: "Sign out"})
	})
	require.Empty(t, p.watch.waiting())
}
