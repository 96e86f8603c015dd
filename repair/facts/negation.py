"""Negation and other polarity in Russian and English text: which side says no, and where.

Russian negates with a particle before the word (``не``), doubles it with ни-words, and hides it
in nouns and verbs (``отказ``, ``лишён``); English renders any of these by any other. So only two
things are certain enough to be called an error: a plain ``not`` for which the source has no
cause at all, and a plain «не» that left no trace in the MT.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Cue(NamedTuple):
    """A sign of negation at ``text[start:end]``; ``plain`` ones negate a predicate for certain."""

    start: int
    end: int
    plain: bool
    word: str = ""


# «не» that is no negation, or whose English side needs none.
_IDIOMS_RU = re.compile(
    r"\bне\s+(?:только|просто|столько|сколько|менее|меньше|более|больше|раньше|ранее|позднее|позже|раз\b|так\s+давно|"
    r"далеко|мог(?:ут|ла|ли|ло)?\s+не\b|может\s+не\b|исключ\w+|против\b|считая|хуже|лучше|"
    r"говоря|без\b|один|одна|одно|одну|одного|ровен|иначе|дай\b|пов[её]з|беда|зря|случайно|зависим\w*|забу\w+|"
    r"скр[ыо]\w+|переста\w+|прекра\w+|дожида\w+|дожд\w+|обош\w+|обойт\w+|обход\w+|успе\w+|прочь|избежа\w+|остав\w+|отстава\w+|теря\w+|жале\w+|отказ\w+|"
    r"меша\w+|слишком|особо|в\s+(?:силах|состоянии)|по\s+себе|сомнева\w+|отрица\w+|возража\w+|ниже|выше|чужд\w*|пренебре\w+|лишен\w*|лишён\w*|прав\w*|соглас\w*|удержа\w+|выдержа\w+|сдержа\w+)"
    r"|\b(?:чуть|едва|пока|чтобы|как\s+бы|если|разве|чем|покуда|ли|вряд\s+ли|лишь\s+бы|куда|кто|что|где|как|кого|какой|какие|сколько)\s+(?:\w+\s+)?(?:бы\s+)?н[еи]\b"
    r"|\bтем\s+не\s+менее\b|\bво\s+что\s+бы\s+то\s+ни\b|\bтак\s+или\s+иначе\b|\bнельзя\s+не\b"
    r"|\bне\s+\w+\s+не\s+\w+|\bкак\s+ни\b",
    re.IGNORECASE,
)
_PLAIN_RU = re.compile(r"(?<![\w-])(?:не|нет|нельзя)(?![\w-])", re.IGNORECASE)
# Everything that may be behind an English negation: ни-words, prepositions, words with a negative
# prefix or meaning, and conditions under which English likes to negate.
_ANY_RU = re.compile(
    r"(?<![\w-])(?:н[еи](?![\w])|нет|нету|нельзя|без(?![\w])|безо|никто\w*|никого|никому|никем|ничего|ничто|ничем|ничему|ничей|ничья|ничью|никог\w+|"
    r"нигд\w+|никуд\w+|никак\w*|никой|никои|никаки\w+|никакой|ниотку\w+|некого|нечего|некому|незачем|некогда|некуда|"
    r"вряд|едва|чуть|навряд|отнюдь|вовсе|якобы|разве|неужели|вне|кроме|помимо|лишь|только|пока|прежде|вместо|против\w*|"
    r"(?:о|от|ис|не)?отказ\w*|отверг\w*|отклон\w*|отрица\w*|отриц\w*|опровер\w*|возраж\w*|запре\w*|запрещ\w*|воспрещ\w*|избе[гж]\w*|воздерж\w*|"
    r"лиш[иае]\w*|лишён\w*|отсутств\w*|недо\w{2,}|нехват\w*|нех\w+|препятств\w*|меша\w*|помеш\w*|предотвра\w*|"
    r"исключ\w*|прекра\w*|переста\w*|бросил\w*|сорва\w*|срыв\w*|провал\w*|утрат\w*|теря\w*|потер\w*|"
    r"бес[а-яё]{3,}|без[а-яё]{3,}|не[а-яё]{3,}|анти\w*|контр\w*|сомне\w*|скеп\w*|мало\w*|редко|слаб\w*|пуст\w*|"
    r"ноль|нул\w*|отмен\w*|снят\w*|снима\w*|упуст\w*|упуще\w*|пропус\w*|мимо|разуч\w*|забы\w*|игнор\w*|скры\w*|тай\w*|молч\w*|"
    r"уклон\w*|отпа\w*|хватит|довольно|иначе|иной|ино[йегм]\w*|други\w*|другой|другая|друго\w*|разн\w*|различ\w*|отлич\w*|"
    r"свобод\w*|остан\w*|стоп\w*|нежел\w*|терп\w*|холост\w*|вопреки|хотя|зря|напрасно|тщетн\w*|даже|ещё|еще|"
    r"слишком|трудно|сложно|невоз\w*|тем\s+не\s+менее|уж\w*|же|отложи\w*|отлож\w*|отстран\w*|отверж\w*|непри\w*|"
    r"расход\w*|расхож\w*|конфликт\w*|опасн\w*|проигр\w*|обман\w*|ложн\w*|лже\w*|ложь|фейк\w*|подделк\w*|ошиб\w*|заблуж\w*|наоборот|напротив|вне\w+|"
    r"держа\w*|удерж\w*|сдерж\w*|предостере\w*|предупре\w*|прочь|долой|до|куда|смысл\w*|убереж\w*|спас\w*|береч\w*|берег\w*|удиви\w*|"
    r"устоя\w*|рано|поздно|позже|впервые|первы\w*|последн\w*|вопрос\w*|ли|или|иллюз\w*|инако\w*|нов\w*|чужд\w*|чуж\w*|оста[лв]\w*|"
    r"единств\w*|равно\w*|всё|все)(?![\w])",
    re.IGNORECASE,
)
# Causes that do explain a "not" but rarely; they do not excuse one by themselves.
_FAINT_RU = re.compile(
    r"(?:до|все|всё|куда|ли|или|же|уж\w*|даже|ещё|еще|первы\w*|последн\w*|вопрос\w*|нов\w*|равно\w*|други\w*|друго\w*|другая|"
    r"разн\w*|различ\w*|отлич\w*|иной|ино[йегм]\w*|опасн\w*|проигр\w*|конфликт\w*|расход\w*|свобод\w*|остан\w*|спас\w*|держа\w*|"
    r"хотя|впервые|единств\w*|оста[лв]\w*|позже|поздно|рано|слаб\w*|терп\w*|удерж\w*|сдерж\w*|берег\w*|снят\w*|снима\w*|провал\w*|"
    r"предупре\w*|удиви\w*|стоп\w*|пуст\w*|прежде|нул\w*|смысл\w*|исключ\w*|бросил\w*|потер\w*|теря\w*|утрат\w*|недавн\w*|недел\w*|нефт\w*|"
    r"нескольк\w*|некотор\w*|неда\w*|нем[её]?[цкч]\w*|немал\w*|небо\w*|невест\w*|нерв\w*|него|неё|нее|нему|нем|нём|ней|негр\w*|безопасн\w*|"
    r"бесед\w*|бесплатн\w*|контрак\w*|контрол\w*|контрраз\w*|контрна\w*|контр|контро\w*|контро\w*|нестер\w*|невск\w*|неод\w*|некий|некто|некая|некие|неком\w*)",
    re.IGNORECASE,
)
_PLAIN_EN = re.compile(
    r"\b(?:not(?!\s+(?:only|just|merely|least|to mention|without))|cannot|never)\b|n['’]t\b|\b(?:dont|doesnt|didnt|isnt|wasnt|cant|wont)\b",
    re.IGNORECASE,
)
# What may carry the sense of «не» in English without a "not".
_ANY_EN = re.compile(
    r"\b(?:not|no|nor|none|nobody|nothing|nowhere|neither|never|cannot|without|non|lack\w*|fail\w*|refus\w*|"
    r"den(?:y|ies|ied|ying|ial)|reject\w*|declin\w*|absen\w*|avoid\w*|prevent\w*|prohibit\w*|ban(?:s|ned)?|forbid\w*|"
    r"forbade|stop\w*|ceas\w*|quit|unless|until|except\w*|rather|instead|hardly|barely|scarcely|rarely|seldom|little|"
    r"few|fewer|only|too|miss(?:ed|ing|es)?|loss|lost|lose\w*|losing|"
    r"un(?!der(?!aged?)|ion|it|iform|ivers|if[iy]|ique|til|less|cle)\w{3,}|unique\w*|"
    r"in(?:abil|acc|acti|adeq|adver|appro|atten|capab|comp(?:ar|at|et|le)|conc|cons(?:ist|id)|conv|corr|cred|decis|def|"
    r"differ|direct|discr|disp|distin|eff|elig|escap|evit|exha|exp(?:ens|er|lic)|fin|freq|hum|just|nocen|noc|oper|"
    r"saf|san|sens|sep|sign|stab|suff|tact|toler|val|vis|vol|vuln)\w+|"
    r"im(?:mat|meas|mob|moral|mort|mun|pass|pati|perf|perm|poss|pract|prob|prop|prud|pun)\w+|ir(?:re|ra)\w{3,}|"
    r"il(?:leg|lit|log|lic)\w*|dis(?:ab|adv|aff|agr|all|app|band|bel|com|conn|cont|cred|dain|fav|grac|hon|ill|incl|"
    r"infe|int|like|lo[yc]|man|miss|ob|ord|own|par|plea|prove|qual|quiet|reg|resp|rup|sat|sen|sim|sua|tru|un|us)\w*|"
    r"mis(?:s(?:ed|ing)|t\w+|under\w+|place\w*|lead\w*|guid\w*)|non-?\w+|anti-?\w+|\w{3,}less(?:ly|ness)?|\w+-free|free|"
    r"beyond|outside|out of|far|oppos\w*|against|object\w*|contrary|wrong\w*|bad(?:ly)?|poor\w*|weak\w*|hard|difficult\w*|"
    r"tough|short\w*|abandon\w*|withdr\w*|cancel\w*|kept?|ignor\w*|neglect\w*|overlook\w*|spare[ds]?|abst\w+|withh\w+|"
    r"skip\w*|exclud\w*|doubt\w*|s[ck]eptic\w*|zero|nil|least|less|lest|refrain\w*|barred|block\w*|ends?|ended|ending|gone|"
    r"under|escap\w*|evad\w*|alien|wary|reluctan\w*|hesitat\w*|postpon\w*|delay\w*|empty|vain|useless|anything but|"
    r"ex-\w+|violat\w*|in vain|must|restrict\w*|limit\w*|sav(?:e[ds]?|ing)|"
    r"deaf|disappoint\w*|minus|rul(?:ed?|ing) out|sub\w+|mere\w*|secret\w*)\b|n['’]t\b"
    r"|\b(?:dont|doesnt|didnt|isnt|wasnt|cant|wont)\b",
    re.IGNORECASE,
)
# How English says a weak Russian cue in its own way; then the cue explains no "not" any more.
_RENDERED = [
    (re.compile(ru, re.IGNORECASE), re.compile(rf"\b(?:{en})", re.IGNORECASE))
    for ru, en in (
        (r"только|лишь", r"only|just|mere|sole|exclusive|recent|once|but\b|limited"),
        (r"редко", r"rare|seldom|infreq|occasion"),
        (r"пока", r"while|so far|for now|as long|yet\b|still|moment|meantime|so long"),
        (r"против\w*", r"against|anti|oppos|versus|contra|counter|protest|adversar|enem|vs"),
        (r"кроме|помимо", r"except|besides|apart|addition|other than|aside|also|moreover|beyond|furthermore"),
        (r"вместо|прежде", r"instead|rather|in place|before|first|replac|above|primar"),
        (r"слишком", r"too|over|excess|so\b"),
        (r"трудно|сложно", r"difficult|hard|tough|challeng|complic"),
        (r"чуть|едва|мало\w*", r"slight|bare|little|few|small|low|minor|just|almost|near|young|under|hard|scarc|partial|light|juven|unlikel|weak|insig"),
        (r"вне\w*|мимо", r"out|beyond|off|past|by\b|extern|extra|sudden|introduc|implement|special|unexp|attent|appear"),
        (r"вопреки|якобы|разве|неужели|вовсе|отнюдь", r"despite|contrary|spite|alleg|suppos|really|complet|entire|at all|claim|purport"),
        (r"анти\w*", r"anti|ancient"), (r"контр\w*", r"counter|control|contra|smuggl|contr"),
        (r"даже", r"even"), (r"молч\w*|тай\w*|скры\w*", r"silen|secret|myster|taiwan|thai|taiga|typhoon|hid|conceal|quiet|covert|time"),
        (r"отлож\w*|отмен\w*", r"postpon|delay|cancel|repeal|abol|revok|lift|overturn|remov|put off|scrap|defer"),
        (r"(?:за|вос)пре\w*", r"ban|prohibit|forbid|outlaw|illegal|request|barr|restrict|deni"),
        (r"лиш[аие]\w*|лишён\w*", r"depriv|strip|los[et]|revok|extra|only|depri|excess|unnec"),
        (r"прекра\w*|переста\w*", r"stop|ceas|end|halt|terminat|suspend|discontin|beautiful|wonderful|excellent|perfect|great|fine|quit|well|drop|cut|clos"),
        (r"нех\w+|недо\w+|нехват\w*", r"lack|short|under|insuff|defic|incompl|missing|recent|real estate|propert|dis|not enough"),
        (r"меша\w*|помеш\w*|препят\w*", r"prevent|hinder|interfer|obstruct|impede|bother|bag|stop|hamper|disturb"),
        (r"мало\w*", r"little|few|low|small"),
        (r"ложн\w*|лже\w*|ложь|фейк\w*|обман\w*|ошиб\w*|заблуж\w*", r"false|fake|lie|lying|decei|decept|fraud|mistak|error|err|wrong|delus|mislead|trick|cheat"),
        (r"наоборот|напротив", r"contrary|opposite|across|revers|vice|instead|convers"),
        (r"сомне\w*|скеп\w*", r"doubt|skept|scept|question|dubious"),
        (r"сорва\w*|срыв\w*", r"disrupt|thwart|foil|derail|fail|tore|torn|rip|break|fell"),
        (r"пропус\w*|упу\w*", r"miss|skip|pass|let|omit|admi|conced|overlook|allow"),
        (r"забы\w*|разуч\w*", r"forg|score"), (r"ноль", r"zero|nil|null"),
        (r"тем\s+не\s+менее", r"nevertheless|nonetheless|however|still|yet|all the same|even so|that said"),
        (r"предотвра\w*|убереж\w*|избе[гж]\w*|уклон\w*", r"prevent|avert|avoid|evad|escap|stop|protect|shirk"),
        (r"отстран\w*", r"remov|suspend|dismiss|oust|remote"), (r"ли(?=\W|$)", r"whether|if\b"),
        (r"чужд\w*|чуж\w*", r"alien|foreign|strang|other|someone"), (r"довольно|хватит", r"quite|rather|fairly|enough|pretty|suffic|satisf|pleas"),
        (r"бесплатн\w*|свобод\w*|независ\w*|непосред\w*|невероят\w*|необход\w*|неизве\w*|недел\w*|немедл\w*|непрер\w*|неофиц\w*",
         r"free|independ|direct|incredib|necess|need|require|must|unknown|immed|continu|unoffic|instant|constant|imme|unbeliev|promptly|should"),
    )
]  # fmt: skip
_PREFIXED_RU = re.compile(r"(?:не|без|бес)[а-яё]{3,}", re.IGNORECASE)
_SHAPED_EN = re.compile(
    r"(?:un|in|im|ir|il|dis|mis|non|lack|fail)\w+|\w+less(?:ly|ness)?", re.IGNORECASE
)
_NI_RU = re.compile(r"ни\w*|ничь\w+", re.IGNORECASE)


@lru_cache(maxsize=4096)
def russian_cues(text: str) -> tuple[Cue, ...]:
    """All that may explain an English negation; the plain ones must show in English."""
    idioms = [match.span() for match in _IDIOMS_RU.finditer(text)]
    cues = []
    for match in _ANY_RU.finditer(text):
        word = match[0].lower()
        if _FAINT_RU.fullmatch(word):
            continue
        inside = any(a <= match.start() < b for a, b in idioms)
        plain = bool(_PLAIN_RU.fullmatch(word)) and not inside
        if (
            plain
            and word == "нет"
            and re.search(r"\bили\s+$", text[: match.start()], re.IGNORECASE)
        ):
            plain = False
        cues.append(Cue(*match.span(), plain, word))
    return tuple(cues)


@lru_cache(maxsize=8192)
def english_cues(text: str) -> tuple[Cue, ...]:
    """Plain negations, and whatever else may render one."""
    plain = {match.start(): match for match in _PLAIN_EN.finditer(text)}
    cues = [Cue(*match.span(), True, match[0].lower()) for match in plain.values()]
    for match in _ANY_EN.finditer(text):
        if match.start() not in plain:
            cues.append(Cue(*match.span(), False, match[0].lower()))
    return tuple(sorted(cues))


def strong_english(cue: Cue) -> bool:
    """Whether the English cue denies something by itself (not, no, never, without, nothing)."""
    return cue.plain or cue.word in (
        "no", "nor", "none", "nobody", "nothing", "nowhere", "neither", "without", "not",
    )  # fmt: skip


def compare(source: str, mt: str) -> tuple[list[Cue], list[Cue]]:
    """Source negations that left no trace in the MT, and MT negations that nothing explains.

    The second list holds all plain negations of the MT if there are more of them than reasons.
    """
    ours, theirs = russian_cues(source), english_cues(mt)
    plain_ours = [cue for cue in ours if cue.plain]
    plain_theirs = [cue for cue in theirs if cue.plain]
    # A verb counts once, however many ни-words go with it.
    lost = plain_ours if len(plain_ours) > len(theirs) else []
    added: list[Cue] = []
    latin = bool(re.search(r"n['’]t\b|\bnot\b|\bnever\b", source))
    if plain_theirs and not latin and sum(map(strong_english, theirs)) > _reasons(ours, theirs, mt):
        added = plain_theirs
    return lost, added


def explained(source: str, mt: str) -> int:
    """How many negations of the MT the source can explain."""
    return _reasons(russian_cues(source), english_cues(mt), mt)


def _reasons(ours: tuple[Cue, ...], theirs: tuple[Cue, ...], mt: str) -> int:
    """How many plain English negations the source can explain."""
    plain = sum(cue.plain for cue in ours)
    shaped = sum(not cue.plain and bool(_SHAPED_EN.fullmatch(cue.word)) for cue in theirs)
    reasons, prefixed = plain, 0
    for cue in ours:
        if cue.plain or (plain and _NI_RU.fullmatch(cue.word)):
            continue
        if _PREFIXED_RU.fullmatch(cue.word) and prefixed < shaped:
            prefixed += 1
            continue
        rendered = next((en for ru, en in _RENDERED if ru.fullmatch(cue.word)), None)
        if rendered and rendered.search(mt):
            continue
        reasons += 1
    return reasons
