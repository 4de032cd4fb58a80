"""Nothing changes on a guess: grids of messages without a clear command or a clear yes."""

import pytest

from tests.desk import Desk
from tests.dialogue import Todo

LIST = (
    Todo(("Buy milk",)),
    Todo(("Call mom",)),
    Todo(("Buy oat milk",)),
    Todo(("Walk",), done=True),
)
SHORT = LIST[:2]

COMMANDS = (
    "delete the milk task",
    "remove task 1",
    "get rid of milk",
    "cancel the milk task",
    "mark milk as done",
    "complete task 1",
    "tick off milk",
    "rename milk to cream",
    "change task 1 to cream",
    "set the description of task 1 to hello",
)
FRAMES_WITHOUT_COMMAND = (
    "don't {}", "Do NOT {}", "DON'T {}", "dont {}", "don’t {}", "please don't {}", "no, don't {}",
    "ok don't {}", "never {}", "you mustn't {}", "you shouldn't {}", "you are not allowed to {}",
    "I don't want you to {}", "I do not want to {}", "I'd rather you didn't {}", "I didn't {}",
    "I won't {}", "I'm not going to {}", "I never asked you to {}", "i told you not to {}",
    "make sure you don't {}", "please make sure not to {}", "be careful not to {}", "no need to {}",
    "there is no need to {}", "it's not necessary to {}", "let's not {}", "better not {}",
    "whatever you do, don't {}", "under no circumstances {}", "not {}", "I forgot to {}",
    "should I {}?", "shall I {}?", "can I {}?", "may I {}?", "could I {}?", "do I have to {}?",
    "why should I {}?", "what if I {}?", "how would I {}?", "how do i {}", "when should I {}?",
    "did you {}?", "did I {}?", "who told you to {}?", "would it be wise to {}?",
    "is it a good idea to {}?", "is it safe to {}?", "is it ok to {}?", "is it okay if I {}?",
    "do you think I should {}?", "what happens when I {}?", "what would happen if we {}?",
    "would you {} if I asked nicely?", "if I {}, can I get it back?", "when I {}, what happens?",
    "suppose I {}", "let's say I {}", "I wonder if I should {}", "not sure if I should {}",
    "maybe {}", "perhaps {}", "I might {}", "I was about to {}", "I wanted to ask how to {}",
    "tell me how to {}", "show me how to {}", "are you able to {}?", "why did you {}",
    "is there a way to {}?", "should we {}", "what's the best way to {}?", "unless I say so, {}",
    "if it rains, {}", "before you {}, ask me", "ask me before you {}", "tomorrow I will {}",
    "my sister wants to {}", "he told me to {}", "translate '{}' into German", "say '{}'",
    "the phrase {} is funny", "I tried to {} but failed",
)  # fmt: skip
ACTIONS = (
    "deleting the milk task",
    "removing task 1",
    "marking milk as done",
    "renaming milk to cream",
)
FRAMES_WITHOUT_ACTION = (
    "stop {}", "avoid {}", "refrain from {}", "no {}", "there's no point in {}", "what about {}?",
    "I'm considering {}", "thinking of {}", "is {} possible?", "what does {} do?", "explain {}",
)  # fmt: skip

VERBS = (
    "delete {}", "remove {}", "get rid of {}", "clear {}", "cancel {}", "mark {} as done",
    "complete {}", "I finished {}", "{} is done", "done with {}", "take {} off my list",
    "rename {} to x", "can you delete {}?", "i want to delete {}", "delete {}, ok?",
)  # fmt: skip
SEVERAL = (
    "all", "everything", "all my tasks", "every task", "every single one", "the whole list",
    "my list", "all of them", "them all", "both", "these", "those tasks", "some tasks", "a few tasks",
    "two tasks", "most of my tasks", "any task", "the milk tasks", "all milk tasks", "half my list",
    "the rest", "the others", "everything else", "the other tasks", "the oldest task",
    "the first two", "one of them", "either", "one task", "a task", "a random one", "milk or mom",
    "all but one", "all except call mom", "everything but the milk", "the list", "tasks",
    "all 3 tasks", "the remaining tasks", "the", "it", "this", "the thing", "the milk", "milk stuff",
    "*", "m", "buy", "0", "-1", "task 0", "task -1", "1 or 2", "one of the milk tasks", "a milk task",
    "milk or eggs", "neither", "none of them", "nothing",
)  # fmt: skip

UNCERTAIN = (
    "delete milk?", "delete milk?? I'm not sure", "delete milk, or maybe not", "delete milk... no wait",
    "delete milk, just kidding", "delete milk no", "delete milk, I mean mom", "delete milk or not",
    "delete milk instead of mom", "delete milk if it is done", "delete milk unless it's pending",
    "remove milk but only if completed", "delete milk when I say so", "delete milk tomorrow",
    "mark milk as done when I'm back", "mark milk done once I buy it", "complete milk later", "milk done?",
    "when I finish the walk, delete milk", "once milk is done delete it", "if milk is done delete it",
    "do not delete the milk task and remove call mom", "don't delete milk or call mom", "milk is not done",
    "milk will be done", "milk needs to be done", "is milk done", "he deleted milk", "milk was never done",
    "all done", "done?", "I am done", "well done", "I'm done for today", "I finished my coffee", "complete",
    "finished", "clear?", "cancel my subscription", "delete my account", "delete this conversation",
    "clear the chat", "forget everything", "erase your memory", "drop me a line", "change the subject",
    "change your name", "rename yourself to Bob", "close the window", "finish your sentence", "check this out",
    "kill it", "nuke it all", "dump the database", "empty the trash", "1", "first", "milk", "buy", "call mom",
)  # fmt: skip

QUESTIONS = (
    "delete everything",
    "mark everything as done",
    "delete all milk tasks",
    "done with milk",
)
UNCLEAR_ANSWERS = (
    "maybe", "hmm", "I'm not sure", "what?", "which ones?", "all of them?", "really?", "yes?",
    "yes or no?", "are you sure?", "I guess so", "probably", "it depends", "you decide", "no", "nah",
    "never", "never mind", "stop it", "wait", "hold on", "not yet", "later", "tomorrow", "cancel",
    "cancel that", "cancel it", "cancel them", "please cancel", "drop it", "forget it", "leave them",
    "keep everything", "don't", "please don't", "hell no", "certainly not", "of course not",
    "I changed my mind", "yes wait", "yes no", "yes... no", "ok wait", "ok no", "ok cancel",
    "sure, but later", "yes but not now", "yes later", "yes, but first show them", "yes maybe",
    "yes if they are done", "show my tasks", "show them first", "what are they", "help", "thanks",
    "please", "please wait", "please show them", "👎", "❌", "sorry", "oops", "I said no",
    "I will say yes later", "yeah right", "yeah, no", "fine whatever", "do it later", "do nothing",
    "right, what was I saying", "ok so what now", "okay let me see", "exactly which ones", "that one",
    "these", "some", "a few", "half of them", "any", "neither", "both?", "definitely maybe",
    "confirm cancel", "go ahead and cancel", "yes cancel", "yes, cancel that", "yes keep them",
    "yes, I want to keep them", "yes I want to cancel", "yes stop it", "yes, none", "y/n",
    "he said yes", "the answer is not yes", "not yes", "yes what?", "please stop", "asdf",
)  # fmt: skip
CLEAR_YES = (
    "yes", "Yes.", "YES", "yes please", "yep", "yeah", "y", "sure", "sure thing", "ok", "ok do it",
    "do it", "go ahead", "please do", "confirm", "of course", "absolutely", "yes I'm sure", "👍", "✅",
    "yes, go ahead please", "that's right", "yes thanks", "yes pls", "yes sir", "just do it",
    "Yes, that is what I want", "yes, all of them", "all of them",
)  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES_WITHOUT_COMMAND)
def test_text_around_a_command_prevents_it(frame: str) -> None:
    for command in COMMANDS:
        desk = Desk(SHORT)
        desk.say(frame.format(command))
        assert desk.state[: len(SHORT)] == SHORT, command


@pytest.mark.parametrize("frame", FRAMES_WITHOUT_ACTION)
def test_talking_about_an_action_changes_nothing(frame: str) -> None:
    for doing in ACTIONS:
        desk = Desk(SHORT)
        desk.say(frame.format(doing))
        assert desk.state[: len(SHORT)] == SHORT, doing


@pytest.mark.parametrize("several", SEVERAL)
def test_reference_to_several_todos_is_confirmed_first(several: str) -> None:
    for verb in VERBS:
        desk = Desk(LIST)
        desk.say(verb.format(several))
        assert desk.state[: len(LIST)] == LIST, verb


@pytest.mark.parametrize("said", UNCERTAIN)
@pytest.mark.parametrize("first", ["hello", "show my tasks"])
def test_uncertain_or_unrelated_messages_change_nothing(first: str, said: str) -> None:
    desk = Desk(SHORT)
    desk.say(first)
    desk.say(said)
    assert desk.state[: len(SHORT)] == SHORT


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("answer", UNCLEAR_ANSWERS)
def test_unclear_answer_to_a_question_changes_nothing(question: str, answer: str) -> None:
    desk = Desk(LIST)
    assert "?" in desk.say(question)
    desk.say(answer)
    assert desk.state[: len(LIST)] == LIST


@pytest.mark.parametrize("answer", CLEAR_YES)
def test_clear_yes_confirms_the_question(answer: str) -> None:
    desk = Desk(LIST)
    desk.say("delete everything")
    desk.say(answer)
    assert desk.state == ()


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Call grandma", "call grandpa"),
        ("Call grandmother", "call grandfather"),
        ("Water the plant", "the plan"),
        ("Visit the planet show", "the plane"),
        ("Write diary", "dairy"),
        ("Mark the trail", "the trial"),
        ("Buy bread", "beard"),
        ("Meeting on Monday", "the Sunday meeting"),
        ("Report for June", "the July report"),
        ("Sign the contract", "the contact"),
        ("Order beer", "the bear task"),
        ("Book 2 rooms", "the 3 rooms task"),
    ],
)
@pytest.mark.parametrize("frame", ["delete {}", "mark {} as done", "rename {} to x"])
def test_similar_word_is_not_a_spelling_mistake(title: str, said: str, frame: str) -> None:
    before = (Todo((title,)), Todo(("Wash up",)))
    desk = Desk(before)
    desk.say(frame.format(said))
    assert desk.state == before


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Team meeting", "the meating task"),
        ("Write report", "the reprot"),
        ("Buy groceries", "grocereis"),
        ("Clean kitchen", "the kitchn task"),
        ("Book dentist appointment", "the dentsit apointment"),
        ("Buy milk", "the miilk task"),
        ("Pay electricity bill", "electricty bill"),
    ],
)
def test_spelling_mistakes_in_a_title_are_understood(title: str, said: str) -> None:
    desk = Desk((Todo((title,)), Todo(("Wash up",))))
    desk.say(f"delete {said}")
    assert [todo.title for todo in desk.state] == ["Wash up"]


@pytest.mark.parametrize(
    "said",
    ["yes", "thanks", "hello", "ok", "not yet", "later", "I don't know", "never mind", "cancel", "cancel this",
     "stop", "leave it", "why?", "it depends", "👎", "yes but not now", "help", "please wait", "just kidding"],
)  # fmt: skip
def test_answer_that_is_not_a_title_renames_nothing(said: str) -> None:
    desk = Desk(SHORT)
    assert "?" in desk.say("rename the milk task")
    desk.say(said)
    assert desk.state == SHORT


@pytest.mark.parametrize(
    "title", ["Cancel the gym", "Keep fit", "Delete old photos", "Stop smoking"]
)
def test_requested_title_may_look_like_a_command(title: str) -> None:
    desk = Desk(())
    desk.say("add a task")
    desk.say(title)
    assert [todo.title for todo in desk.state] == [title]
