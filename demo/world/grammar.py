"""Sentences and short stories. Each function takes a random.Random and returns text."""

from .lexicon import (ACTIONS, BAD, CAPITALS, COLOURS, COUNTRIES, GOOD, NUMBERS, OBJECTS, PEOPLE, PLACES, REVIEWED,
                      SEASONS, TOWNS, country_of)


def cap(text):
    return text[0].upper() + text[1:]


def article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def fact(draw):
    """One true sentence about a person, a town or a number."""
    p = draw.choice(PEOPLE)
    job, does, _, _, what = p.job
    town = draw.choice(TOWNS)
    a, b = draw.randrange(7), draw.randrange(6)
    return draw.choice([
        f"{p.name} lives in {p.town}.", f"{p.town} is the home of {p.name}.",
        f"{p.name} is {article(job)} and {does} {what}.", f"{p.name} works as {article(job)} in {p.town}.",
        f"{p.name} has {article(p.pet_colour)} {p.pet}.", f"The {p.pet} of {p.name} is {p.pet_colour}.",
        f"{p.name} likes the colour {p.colour}.", f"{cap(p.her)} favourite colour is {p.colour}, says {p.name}.",
        f"{town} is a town in {country_of(town)}.", f"The capital of {country_of(town)} is {CAPITALS[country_of(town)]}.",
        f"{cap(NUMBERS[a])} and {NUMBERS[b]} make {NUMBERS[a + b]}.",
    ])


def errand(draw):
    """A thing is left somewhere and fetched again: the last word is told by the first sentence."""
    p, other = draw.sample(PEOPLE, 2)
    thing, (place, detour) = draw.choice(OBJECTS), draw.sample(PLACES, 2)
    left = draw.choice([f"{p.name} left the {thing} in the {place}.", f"{p.name} put the {thing} in the {place}.",
                        f"The {thing} of {p.name} lay in the {place}."])
    between = draw.choice([f"Then {p.she} went to the {detour} and met {other.name}.",
                           f"In the {detour} {p.she} talked with {other.name}.",
                           f"{other.name} came by and they ate in the {detour}."])
    back = draw.choice([f"To get the {thing}, {p.she} went back to the {place}.",
                        f"When {p.she} needed the {thing}, {p.she} ran to the {place}.",
                        f"Later {p.she} found the {thing} in the {place}."])
    return f"{left} {between} {back}"


def gift(draw):
    """Somebody gives a thing to somebody, who thanks by name."""
    p, other = draw.sample(PEOPLE, 2)
    thing, colour = draw.choice(OBJECTS), draw.choice(COLOURS)
    season = draw.choice(SEASONS)
    return draw.choice([
        f"In {season} {p.name} gave {other.name} {article(colour)} {thing}. {other.name} had never seen "
        f"{article(thing)} so {colour}. So {other.she} wrote a letter to thank {p.name}.",
        f"{p.name} met {other.name} in {season}. They shared a cup of tea and a song. In the evening {other.name} "
        f"walked home and thought of {p.name}.",
    ])


def search(draw):
    """A coloured box, a search, and the box again."""
    p = draw.choice(PEOPLE)
    thing, place = draw.choice(OBJECTS), draw.choice(PLACES)
    right, wrong = draw.sample(COLOURS, 2)
    return (f"The {thing} was in the {right} box in the {place}. {p.name} looked in the {wrong} box and found nothing. "
            f"At last {p.she} opened the box that was {right}.")


def deed(draw, tense="present"):
    """Somebody does something with a thing somewhere; all forms of the sentence, by name."""
    p, (third, past, base, participle) = draw.choice(PEOPLE), draw.choice(ACTIONS)
    colour, thing, place = draw.choice(COLOURS), draw.choice(OBJECTS), draw.choice(PLACES)
    rest = f"the {colour} {thing} in the {place}"
    return {"present": f"{p.name} {third} {rest}.", "past": f"{p.name} {past} {rest}.",
            "negated": f"{p.name} does not {base} {rest}.", "future": f"{p.name} will {base} {rest}.",
            "passive": f"the {colour} {thing} is {participle} by {p.name} in the {place}."}[tense]


def day(draw):
    """What a person does over a day: facts in a row."""
    p = draw.choice(PEOPLE)
    job, does, past, _, what = p.job
    return draw.choice([
        f"{p.name} is {article(job)} from {p.town}. Every morning {p.she} {does} {what}. In the evening {p.she} feeds "
        f"{p.her} {p.pet_colour} {p.pet}.",
        f"Yesterday {p.name} {past} {what} in {p.town}. Then {p.she} walked with {p.her} {p.pet}, which is {p.pet_colour}.",
        f"In {draw.choice(SEASONS)} {p.name} stays in {p.town}, where {p.she} {does} {what} and wears a {p.colour} coat.",
    ])


def opinion(draw):
    """A judgement with its label (1: positive). Negation flips it; after 'but' the second part decides."""
    def clause(positive):
        what = draw.choice(REVIEWED)
        if draw.random() < 0.3:
            word = draw.choice(BAD if positive else GOOD)
            return f"the {what} was not {draw.choice(['', 'very ', 'at all '])}{word}"
        word = draw.choice(GOOD if positive else BAD)
        return f"the {what} was {draw.choice(['', 'very ', 'really ', 'quite '])}{word}"

    label = draw.randrange(2)
    kind = draw.random()
    if kind < 0.45:
        text = clause(label)
    elif kind < 0.7:
        text = f"{clause(label)} and {clause(label)}"
    else:
        text = f"{clause(1 - label)} , but {clause(label)}"
    ending = draw.choice(["", " , said " + draw.choice(PEOPLE).name, " in " + draw.choice(TOWNS)])
    return text + ending, label


def review(draw):
    """An opinion as a story tells it."""
    text, label = opinion(draw)
    verdict = draw.choice(["was glad", "smiled", "came again"] if label else ["was angry", "frowned", "left early"])
    name = draw.choice(PEOPLE).name
    return f"{cap(text.replace(' ,', ','))}. {name} {verdict}."


def question(draw):
    """A question about a fact and its answer."""
    p = draw.choice(PEOPLE)
    town, country = draw.choice(TOWNS), draw.choice(COUNTRIES)
    return draw.choice([
        (f"where does {p.name} live?", p.town), (f"what is the job of {p.name}?", p.job[0]),
        (f"what pet does {p.name} have?", f"{article(p.pet_colour)} {p.pet}"),
        (f"which colour does {p.name} like?", p.colour), (f"what does {p.name} do?", f"{p.name} {p.job[1]} {p.job[4]}."),
        (f"in which country is {town}?", country_of(town)), (f"what is the capital of {country}?", CAPITALS[country]),
    ])


def paragraph(draw):
    """Two to four pieces of any kind."""
    makers = [fact, fact, errand, gift, search, day, review, lambda d: deed(d, d.choice(["present", "past", "future"]))]
    return " ".join(cap(draw.choice(makers)(draw)) for _ in range(draw.randint(2, 4)))
