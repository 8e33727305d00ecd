"""Words of the world and its facts. The facts are drawn once from a fixed seed and never change."""

import random
from dataclasses import dataclass

NAMES = ("Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Kira Leo Mia Nils Olga Paul Rosa Sam Tina Viktor "
         "Wanda Yusuf Zoe Arno Bella Carl Dora Emil Frida Georg Hanna Igor").split()
FEMALE = set("Anna Clara Emma Greta Ida Kira Mia Olga Rosa Tina Wanda Zoe Bella Dora Frida Hanna".split())
TOWNS = "Velm Torra Lindal Osk Brevik Marn Selby Halden Korva Dunmore Ashby Pell".split()
COUNTRIES = "Norland Estia Vendia Galdor".split()
COLOURS = "red blue green yellow black white brown grey".split()
PETS = "dog cat horse goat parrot rabbit donkey goose".split()
PLACES = "kitchen garden cellar attic stable library workshop barn market harbour tower church".split()
OBJECTS = "key lantern book basket hammer rope ring letter coin blanket cup knife map flute mirror bell".split()
SEASONS = "spring summer autumn winter".split()
NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
# job, verb (third person), past, base, what
JOBS = [("baker", "bakes", "baked", "bake", "bread"), ("farmer", "grows", "grew", "grow", "corn"),
        ("teacher", "teaches", "taught", "teach", "children"), ("smith", "makes", "made", "make", "tools"),
        ("fisher", "catches", "caught", "catch", "fish"), ("painter", "paints", "painted", "paint", "pictures"),
        ("tailor", "sews", "sewed", "sew", "coats"), ("singer", "sings", "sang", "sing", "songs"),
        ("builder", "builds", "built", "build", "houses"), ("writer", "writes", "wrote", "write", "stories")]
# third person, past, base, participle
ACTIONS = [("carries", "carried", "carry", "carried"), ("finds", "found", "find", "found"),
           ("hides", "hid", "hide", "hidden"), ("sells", "sold", "sell", "sold"),
           ("cleans", "cleaned", "clean", "cleaned"), ("loses", "lost", "lose", "lost"),
           ("repairs", "repaired", "repair", "repaired"), ("buys", "bought", "buy", "bought")]
REVIEWED = "soup bread room view music story film garden service bed play song inn guide boat coffee".split()
GOOD = "good wonderful pleasant fresh lovely excellent charming warm delightful splendid".split()
BAD = "bad terrible dull stale ugly awful boring cold dreadful poor".split()


@dataclass(frozen=True)
class Person:
    name: str
    she: str       # pronoun, nominative
    her: str       # possessive
    town: str
    job: tuple
    pet: str
    pet_colour: str
    colour: str


def people():
    draw = random.Random(20)
    return [Person(name, "she" if name in FEMALE else "he", "her" if name in FEMALE else "his", draw.choice(TOWNS),
                   draw.choice(JOBS), draw.choice(PETS), draw.choice(COLOURS), draw.choice(COLOURS)) for name in NAMES]


def country_of(town):
    return COUNTRIES[TOWNS.index(town) % len(COUNTRIES)]


PEOPLE = people()
CAPITALS = {country: next(t for t in TOWNS if country_of(t) == country) for country in COUNTRIES}
