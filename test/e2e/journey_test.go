package e2e

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// person is someone with an account. Nothing can delete an account, so that
// each run leaves two behind; their addresses say where they come from.
type person struct{ name, email, password string }

func newPerson(name string) person {
	first, _, _ := strings.Cut(strings.ToLower(name), " ")
	return person{name: name, email: "e2e-" + first + "-" + strings.ToLower(rand.Text()[:10]) + "@example.com", password: rand.Text()}
}

// journey is what two people do with the application. Its chapters follow one
// another: each finds what the one before left.
type journey struct {
	anna, ben         person
	annas, bens       *page
	line              *line // Ben's
	album             *album
	todos, said       []string // as the last chapter left them
	firstConversation string   // its address
}

func TestTwoPeopleUseTheApplication(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser: not under -short")
	}
	base := address(t)
	album := newAlbum(t)
	var noAxe error
	album.axe, noAxe = findAxe(t)
	browser := startBrowser(t)
	line := newLine(t, base)
	j := &journey{
		anna: newPerson("Anna Berg"), ben: newPerson("Ben Cole"), line: line, album: album,
		annas: newPage(t, browser, base, "Anna", album), bens: newPage(t, browser, line.address, "Ben", album),
	}
	for _, chapter := range []struct {
		name string
		tell func(*testing.T, *page)
	}{
		{"a visitor is asked to sign in", j.visitor},
		{"an account is made, once nothing is wrong with it", j.signUp},
		{"todos are kept by hand", j.byHand},
		{"todos are kept by talking", j.byTalking},
		{"the assistant asks back rather than guess", j.askBack},
		{"conversations are kept apart", j.conversations},
		{"a reload finds everything", j.reload},
		{"offline, nothing is lost", j.offline},
		{"a backend that is away is said to be, and comes back", j.backendAway},
		{"pods are restarted, and everything is found again", j.restarts},
		{"dark where the system is, unless chosen otherwise", j.dark},
		{"the keyboard is enough", j.keyboard},
		{"another person sees none of it", j.another},
		{"what was made is deleted", j.deletes},
	} {
		passed := t.Run(chapter.name, func(t *testing.T) {
			page := j.annas.in(t)
			chapter.tell(t, page)
			page.untroubled()
			j.bens.in(t).untroubled()
		})
		if !passed {
			j.annas.evidence(chapter.name)
			j.bens.evidence(chapter.name)
			t.FailNow()
		}
	}
	t.Run("axe finds no serious fault in any state", func(t *testing.T) {
		if noAxe != nil {
			t.Skip(noAxe)
		}
		bad, minor := album.faults.report()
		t.Logf("axe-core %s looked at %d states, in %d sizes and %d themes; lesser faults:\n%s",
			album.axe.version, album.states, len(sizes), len(themes), strings.Join(minor, "\n"))
		assert.Empty(t, bad, strings.Join(bad, "\n"))
	})
}

func (j *journey) visitor(_ *testing.T, p *page) {
	p.step("comes to the application", func() {
		p.open("/")
		p.sees(heading("Welcome back"))
		p.sees(button("Sign in"))
		p.photograph("sign-in")
	})
	p.step("has no account yet", func() {
		p.expecting(`401`, func() {
			p.fill(field("Email"), j.anna.email)
			p.fill(field("Password"), j.anna.password)
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

// joins makes an account.
func (p *page) joins(who person) {
	p.t.Helper()
	p.open("/sign-up")
	p.fillIn(who)
	p.click(button("Create account"))
	p.sees(heading("Your todos"))
	p.loaded()
}

func (j *journey) signUp(t *testing.T, p *page) {
	b := j.bens.in(t)
	b.step("makes an account", func() { b.joins(j.ben) })
	p.step("gives a password that is too short", func() {
		p.click(link("Create an account"))
		p.sees(heading("Create your account"))
		short := j.anna
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
		taken := j.anna
		taken.email = j.ben.email
		p.fillIn(taken)
		p.expecting(`422`, func() {
			p.click(button("Create account"))
			p.reads("An account with this email already exists. Sign in instead?")
		})
		p.photograph("sign-up-refused")
	})
	p.step("makes an account", func() {
		p.fillIn(j.anna)
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
	// What was read on the way is right: the name is in the account's menu.
	p.step("opens the account's menu", func() {
		p.click(button("Account of " + j.anna.name))
		p.reads(j.anna.email)
		p.photograph("account")
		p.press("\x1b")
		p.lacks(element{role: "menuitem", name: "Sign out"})
	})
	require.Empty(t, p.watch.waiting())
}
