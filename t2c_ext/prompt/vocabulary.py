"""English words that the direction parser knows by their role. Plain data; the things that move are in the lexicon."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from t2c_ext.types import MotionKind


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


PREPOSITIONS = words("""
    in on at by to of over above under underneath below beneath through across along around from into onto
    towards toward
    with without beside besides near between behind beyond against among amongst amid past off within inside outside
    after before during for like upon via throughout until till about featuring containing atop alongside opposite
    despite per than out
""")
PLACE_ADVERBS = words("""
    above below beneath underneath beyond behind inside outside within around beside across nearby overhead aloft
    offshore upstream downstream
""")
"""Words that say where a thing is without a noun after them: "the clouds above drift left"."""

ATTACHED = words("of with featuring containing")
"""Prepositions whose object can be the subject of a verb that follows: "a lake with waves moving left"."""

DETERMINERS = words("""
    a an the this that these those some many several few both all each every another any no its his her their
    our your my
    one two three four five six more most
""")
CONJUNCTIONS = words("and or & plus")
CLAUSE_OPENERS = words("while whilst as where when whereas but because since though although if so")
RELATIVES = words("that which who")
PRONOUNS = words("it they she he we you i")
AUXILIARIES = words("""
    is are was were be been being am has have had do does did can could will would shall should may might must
    seems seem
    appears appear begins begin starts start keeps keep gets get to just still slowly's starting beginning seeming let
    makes make made seen s
""")
NEGATIONS = words("""
    not never isn't aren't wasn't weren't doesn't don't didn't won't can't cannot without no hardly neither nor
""")
PARTICLES = words("in out off away along back on over around across by through past forth onward onwards")

ADVERBS = words("""
    straight directly diagonally overhead far nearby away together alone ahead softly gently fast hard high low forever
    endlessly always now then again back backward backwards forward forwards very quite slightly mostly sideways there
    here too also steadily everywhere mainly somewhat
""")
NOT_ADVERBS = words(
    "lily lilies fly jelly family belly bully italy july ally valley holly curly lovely ugly only early"
)

SPEEDS = {
    **dict.fromkeys(
        words("""
            gently slowly softly lazily lazy slow gentle calmly leisurely languidly sluggish sluggishly
            lightly quietly peacefully peaceful serenely slow-motion idly tranquilly soft faint faintly
            subtle subtly delicately tenderly unhurried unhurriedly drowsily sleepily gradually
        """),
        0.5,
    ),
    **dict.fromkeys(
        words("""
            fast quick quickly rapid rapidly swift swiftly briskly strongly strong vigorously speedily
            hurriedly
        """),
        1.5,
    ),
    **dict.fromkeys(
        words("""
            rushing raging torrential torrentially furiously furious violently violent wildly wild racing
            thundering powerfully powerful gushing surging forcefully fiercely fierce madly hurtling
            turbulent turbulently roaring speeding
        """),
        2.0,
    ),
}

SIDES: dict[str, tuple[float, float]] = {
    "left": (-1, 0), "leftmost": (-1, 0), "lefthand": (-1, 0),
    "right": (1, 0), "rightmost": (1, 0), "righthand": (1, 0),
    "top": (0, 1), "upper": (0, 1), "uppermost": (0, 1),
    "bottom": (0, -1), "lower": (0, -1), "lowermost": (0, -1),
}  # fmt: skip
"""Sides of the picture as (x, y), y up."""

UPRIGHT: dict[str, tuple[float, float]] = {"up": (0, 1), "down": (0, -1)}
COMPASS: dict[str, tuple[float, float]] = {
    "north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0),
    "northeast": (1, 1), "northwest": (-1, 1), "southeast": (1, -1), "southwest": (-1, -1),
}  # fmt: skip
COMPASS_LETTERS: dict[str, tuple[float, float]] = {
    "NE": (1, 1), "NW": (-1, 1), "SE": (1, -1), "SW": (-1, -1),
}  # fmt: skip
_SKY = ("sky", "heaven")
_WARD_STEMS = {**{k: SIDES[k] for k in ("left", "right")}, **UPRIGHT, **COMPASS}


@lru_cache(maxsize=1)
def ward_words() -> dict[str, tuple[float, float]]:
    """Words that can only mean a way to move: leftward(s), upwards, northbound, skyward ..."""
    found = {stem + ending: v for stem, v in _WARD_STEMS.items() for ending in ("ward", "wards", "wardly")}
    found |= {stem + "bound": v for stem, v in COMPASS.items()}
    found |= {stem + ending: (0.0, 1.0) for stem in _SKY for ending in ("ward", "wards")}
    found |= {stem + ending: (0.0, -1.0) for stem in ("earth", "ground") for ending in ("ward", "wards")}
    return found


ARROWS: dict[str, tuple[float, float]] = {
    "←": (-1, 0), "⇐": (-1, 0), "⟵": (-1, 0), "⬅": (-1, 0), "<-": (-1, 0), "<--": (-1, 0), "<=": (-1, 0),
    "→": (1, 0), "⇒": (1, 0), "⟶": (1, 0), "➡": (1, 0), "->": (1, 0), "-->": (1, 0), "=>": (1, 0),
    "↑": (0, 1), "⇑": (0, 1), "⬆": (0, 1), "↓": (0, -1), "⇓": (0, -1), "⬇": (0, -1),
    "↖": (-1, 1), "↗": (1, 1), "↘": (1, -1), "↙": (-1, -1),
}  # fmt: skip

TURNS: dict[str, MotionKind] = {
    "clockwise": MotionKind.SWIRL_CW,
    "counterclockwise": MotionKind.SWIRL_CCW,
    "anticlockwise": MotionKind.SWIRL_CCW,
    "contraclockwise": MotionKind.SWIRL_CCW,
    "widdershins": MotionKind.SWIRL_CCW,
}
TURN_ADJECTIVES = words("a an the slow gentle great wide huge tight giant")
COUNTER = words("counter anti contra")
CIRCLES = words(
    "circle circles spiral spirals vortex whirl whirls swirl swirls eddies eddy whirlpool circular whirlpools"
)
PLACE_NOUNS = words("""
    side sides edge corner part half end margin border section portion area direction bank shore third quadrant
    foreground
""")
PICTURE_NOUNS = words("""
    picture image frame canvas painting screen scene composition view photo photograph viewer page print illustration
    drawing artwork shot panorama landscape window
""")
SIDE_NOUNS = words("""
    bank side hand wing arm leg foot eye ear half part panel corner edge page turn angle wall shore column third
    brain lane door hander handed most field border margin footer header wingers corners edges sides banks
""")
VIEWERS = words("viewer camera observer spectator foreground us me you audience lens")
BESIDE = words("beside alongside")
"""After "flowing right" these say where it flows; after any other "right" they make it mean "just"."""

INTENSIFIED = words("""
    through past into before after behind at by beside next now here there away when where as up down to angle on out
    off back ahead until
""")
"""After "right" these make it mean "just": right through, right past, right now."""

PLACE_NAME_PARTS = words("""
    america africa asia europe korea pole sea coast park india indies carolina dakota virginia end wind side face wall
    london vietnam wales yorkshire sudan star country village side's american african asian european indian
    korean german
    bank shore facing ridge ocean atlantic pacific berlin yemen timor by
""")

MOTIONLESS = words("motionless unmoving immobile static stationary fixed frozen")
"""Adjectives of what stands still."""

STATIC_VERBS = words("""
    stretching extending spanning leading looking facing pointing leaning bending curving lying sitting standing hanging
    opening ending beginning reaching tilting turning glowing shining reflecting casting glancing gazing staring viewing
    seeing showing placing located positioned situated placed seen viewed shot facing lit looking tilted rotated panning
    framed branching forking splitting arching sloping slanting angled angling growing resting parked moored
    anchored stretches extends leads spans looks faces points leans bends curves lies sits stands hangs reaches reflects
    stretched looked facing covering filling towering looming waiting holding wearing carrying reading scrolling
    tilts pans
""")
"""Verbs that may stand with a direction without anything that moves."""

ING_NOUNS = words("""
    painting building morning evening spring string ring king wing lightning ceiling clothing lighting shading drawing
    etching wedding rendering setting thing viking sibling sterling dwelling darling duckling engraving railing
    opening clearing crossing landing living anything something nothing everything during beijing wyoming printing
    shining-through cutting carving ping being
""")

MOVERS = words("""
    man woman men women boy boys girl girls child children kid kids baby person people crowd figure figures lady ladies
    guy soldier soldiers knight knights warrior samurai ninja monk nun king queen prince princess wizard witch painter
    artist fisherman fishermen sailor sailors pilot driver rider riders hiker hikers walker traveler traveller wanderer
    runner dancer dancers couple lovers army cyclist surfer surfers swimmer swimmers skier snowboarder astronaut robot
    robots fairy angel angels dragon dragons monster ghost ghosts spirit mermaid unicorn phoenix
    bird birds gull gulls seagull seagulls eagle eagles hawk crow crows raven ravens duck ducks swan swans goose geese
    heron crane cranes stork flamingo flamingos owl swallow swallows butterfly butterflies bee bees dragonfly insect
    fish fishes koi carp salmon shark sharks whale whales dolphin dolphins turtle turtles jellyfish octopus seal
    horse horses cow cows cattle sheep goat goats deer stag elk moose bear bears wolf wolves fox dog dogs cat cats lion
    tiger elephant elephants camel camels rabbit herd flock flocks school pack animal animals frog crocodile
    boat boats ship ships sailboat sailboats sailing-ship canoe canoes kayak raft rafts gondola gondolas ferry steamer
    yacht yachts vessel vessels barge barges submarine galleon fleet rowboat steamboat lighthouse-boat
    car cars truck trucks bus train trains tram bicycle bike motorcycle motorbike wagon cart carriage sled sleigh tank
    traffic plane planes airplane airplanes aircraft jet jets helicopter drone balloon balloons airship zeppelin rocket
    spaceship spaceships ufo starship kite kites satellite comet meteor
    wind winds breeze gust camera sun moon light sunlight moonlight rays ray shadow shadows sunrays sunbeams beam beams
    night darkness dusk dawn twilight evening day silence ball log leafless duckling canoeist
""")
"""Nouns that move, or fall, by themselves and are not in the lexicon: a direction beside them is theirs."""

ALL_THINGS = words("everything all it they this that picture scene image")
"""Heads that name no thing in particular: what is said of them holds for all that moves."""

WINDS = words("wind winds breeze gust gusts gale gales air storm")
SHAPES = words("""
    plume plumes column columns wisp wisps trail trails puff puffs tendril tendrils sheet sheets layer layers formation
    formations cover surface current currents flow flows jet jets drop drops droplet droplets particle particles swirl
    swirls bank banks front patch patches billow billows mass masses body bodies crystals streams stream level
    movement motion ribbons ribbon veil curtain curtains
""")
"""Nouns that give a thing a shape and stay that thing: "smoke plumes", "fog bank", "lava stream"."""

BANKS_FOR = words("sky vapour")
SCENES = words("""
    landscape background scene view painting scenery photo photography wallpaper illustration art backdrop panorama
    scape picture drawing sketch watercolor watercolour print environment setting vista horizon
""")
MOTION_NOUNS = words("flow motion movement drift direction")


class VerbClass(NamedTuple):
    """How a motion verb behaves.

    Attributes:
        name: of the class.
        own: (x, y) that the verb itself states, y up, or None.
        swirl: it states a turning.
        causative: it may have an object that moves ("wind blowing the clouds left").
        strong: families or thing names that it goes with best; empty: any.
    """

    name: str
    own: tuple[float, float] | None = None
    swirl: bool = False
    causative: bool = False
    strong: frozenset[str] = frozenset()


FLOW = VerbClass("flow", strong=words("river water wave lava mud sea whirlpool"))
DRIFT = VerbClass(
    "drift", strong=words("sky vapour precipitation specks dust glow fire fog smoke foam floe ice_floe lake sand snow")
)
BLOW = VerbClass("blow", causative=True, strong=words("sky vapour precipitation specks dust glow fire sand"))
RUN = VerbClass("run", strong=FLOW.strong)
ROLL = VerbClass("roll", strong=words("sky vapour wave dust sea lava"))
MOVE = VerbClass("move")
CARRY = VerbClass("carry", causative=True)
LONE = VerbClass("lone")
"""Any other verb: only what stands directly before it is its subject."""

FALL = VerbClass(
    "fall",
    own=(0, -1),
    strong=words("precipitation specks waterfall water fountain avalanche river lava storm vapour dust sand spark"),
)
RISE = VerbClass("rise", own=(0, 1), strong=words("vapour fire specks wave dust lava geyser fountain"))
ERUPT = VerbClass("erupt", own=(0, 1), strong=words("geyser lava"))
TURN = VerbClass("turn", swirl=True)
STILL = VerbClass("still")
"""A verb without motion; it takes the direction beside it away from the others."""


@dataclass(frozen=True)
class VerbForm:
    """One form of a verb.

    Attributes:
        verb: its class.
        form: "ing", "s", "base" or "past".
        base: its base form.
    """

    verb: VerbClass
    form: str
    base: str


_REGULAR: dict[str, tuple[VerbClass, str]] = {
    "flow": (FLOW, """flow course gush stream trickle meander snake wind surge rush flood wash seep ooze spurt squirt
        ripple lap churn slosh"""),
    "drift": (DRIFT, "drift float waft scud billow hover glide creep crawl slide spread flutter curl dance sail"),
    "blow": (BLOW, "blow"),
    "roll": (ROLL, "roll tumble-roll crash break"),
    "move": (MOVE, """move go come travel head pass proceed shift progress advance enter exit leave migrate return
        retreat recede ebb race speed sweep shoot burst spout jet spray fan"""),
    "run": (RUN, "run"),
    "carry": (CARRY, "push drive drag pull chase"),
    "lone": (LONE, "fly march walk swim ride row gallop jump leap step wander roam hurry climb-down"),
    "fall": (FALL, """fall pour drip cascade tumble plunge plummet sink descend drop spill shower"""),
    "rise": (RISE, "rise ascend climb soar lift levitate"),
    "erupt": (ERUPT, "erupt"),
    "turn": (TURN, "swirl spiral eddy whirl rotate spin revolve twirl gyrate circle circulate"),
}  # fmt: skip
_PAST: dict[str, str] = {
    "blown": "blow", "blew": "blow", "swept": "sweep", "driven": "drive", "drove": "drive", "ran": "run",
    "went": "go", "came": "come", "fell": "fall", "rose": "rise", "sank": "sink", "crept": "creep", "slid": "slide",
    "wound": "wind", "sped": "speed", "flew": "fly", "shot": "shoot", "pulled": "pull", "pushed": "push",
    "headed": "head", "bound": "head", "spun": "spin", "carried": "push",
}  # fmt: skip
_DOUBLED = words("drip drop run spin jet lap stir step swim fan flap")

ERLY: dict[str, tuple[float, float]] = {stem + "erly": vector for stem, vector in COMPASS.items()}
"""Compass words that stand before "direction"."""


def forms(base: str) -> list[tuple[str, str]]:
    """The forms of a regular verb, each with what it is: base, s, ing, past."""
    stem = base[:-1] if base.endswith("e") and not base.endswith(("ee", "oe")) else base
    if base in _DOUBLED:
        stem = base + base[-1]
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")
    if base.endswith("y") and base[-2] not in "aeiou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    else:
        past = stem + "ed"
    forms = [(base, "base"), (third, "s"), (stem + "ing", "ing"), (past, "past")]
    if base == "spiral":
        forms += [("spiralling", "ing"), ("spiralled", "past")]
    if base == "travel":
        forms += [("travelling", "ing"), ("travelled", "past")]
    return forms


@lru_cache(maxsize=1)
def motion_verbs() -> dict[str, VerbForm]:
    """Every form of every verb of motion."""
    found: dict[str, VerbForm] = {}
    classes: dict[str, VerbClass] = {}
    for verb, bases in _REGULAR.values():
        for base in bases.split():
            classes[base] = verb
            for text, form in forms(base):
                found.setdefault(text, VerbForm(verb, form, base))
    for text, base in _PAST.items():
        found[text] = VerbForm(classes[base], "past", base)
    return found


STYLE_NOUNS = words("style manner spirit fashion aesthetic inspired tradition technique look mode vein")
MEDIA = words("""
    painting paintings watercolor watercolour watercolors oil canvas acrylic gouache pastel pastels pencil
    sketch sketches
    drawing ink charcoal etching engraving woodcut woodblock print lithograph fresco mosaic collage illustration artwork
    art render rendering photo photograph photography photorealistic picture image wallpaper poster comic manga anime
    cartoon tapestry embroidery stencil graffiti mural impressionism impressionist expressionism cubism cubist
    surrealism
    surrealist pointillism realism romanticism baroque rococo renaissance fauvism minimalism ukiyo-e ukiyo e
    deco nouveau
    pop steampunk cyberpunk vaporwave synthwave artstation deviantart trending octane unreal engine blender cgi vfx d
    masterpiece quality detail details detailed resolution definition hd uhd fhd k px concept digital matte vector
    pixel voxel isometric papercut origami stained-glass portrait-photo film noir bokeh lens mm hdr raw sharp focus
    depth dof brush brushstroke brushstrokes stroke strokes palette tint tone tones style styles aesthetic artist
    portrait scene exposure chart copyright
    composition perspective view viewpoint shot closeup close-up background foreground
    sepia monochrome cinematic cinematography paper sculpture lowpoly poly score aesthetics rating
""")
ARTISTS = words("""
    gogh monet hokusai hiroshige turner constable rembrandt vermeer picasso dali matisse cezanne renoir pissarro sisley
    degas manet seurat signac klimt schiele munch kandinsky klee miro magritte warhol hopper rothko pollock bierstadt
    friedrich aivazovsky afremov greg rutkowski mucha alphonse kinkade bob ross miyazaki ghibli shinkai makoto
    artgerm wlop beksinski giger bosch bruegel botticelli caravaggio raphael michelangelo leonardo titian canaletto
    vincent claude pablo salvador camille leonid caspar albrecht durer goya velazquez gauguin bouguereau
    waterhouse rossetti millais cole church whistler homer sargent levitan repin shishkin
""")
