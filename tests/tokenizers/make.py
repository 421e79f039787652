"""Writes the files that main.rs reads: four small tokenizers, texts that are hard to tokenize, and the ids that Hugging
Face's tokenizers returns for them.

    pip install tokenizers==0.22.2 sentencepiece==0.2.3 protobuf==7.36.2
    python make.py

A tokenizer that is already there is kept: training breaks ties at random, so another run gives another vocabulary. The
special tokens, normalizers, pre-tokenizers and post-processors are those of
published models: bert-base-cased and -uncased, roberta-base and xlm-roberta-base.
"""

import base64
import io
import json
import random
import unicodedata
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>"]

SENTENCES = [
    "The company said its profit rose in the second quarter.", "She couldn't believe that he'd left without a word.",
    "They've been waiting for the train since seven o'clock.", "I'm sure we'll see prices of $1,234.56 again in 2026.",
    "Der Fluß ist über die Ufer getreten, und die Straße ist gesperrt.", "Où est passée la clé de l'hôtel ? Déjà vu !",
    "El niño comió una manzana y se fue a la montaña.", "Погода сегодня хорошая, но завтра будет дождь.",
    "Η θάλασσα είναι ήρεμη σήμερα.", "السماء صافية والشمس مشرقة اليوم", "מזג האוויר נעים היום מאוד",
    "आज मौसम बहुत अच्छा है", "今日は天気がいいですね。", "今天天气很好，我们去公园吧。", "오늘은 날씨가 정말 좋네요.", "วันนี้อากาศดีมาก",
    "İstanbul'da ıssız bir sokak.", "Người Việt Nam uống cà phê sữa đá.",
]


def handwritten():
    family = "\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466"
    yield from ["", " ", "\t", "\n", "  \n\t ", "a", "A", "\u00a0", "\u3000", "\u200b", "\ufeff", "."]
    # Emoji: modifiers, joiners, flags, keycaps, variation selectors, tags
    yield from ["😀", "👍🏽", family, "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣", "❤️ ❤", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "text😀text",
                "🫠🫡🫨", "🧑‍🚀 goes up", "☺︎ ☺️", "a\u200db\u200cc", "👩‍❤️‍💋‍👨!", "\u200d", "\ufe0f"]
    # Control and format characters, NUL, unassigned, private use, noncharacters, replacement characters
    yield from ["\0", "a\0b", "\x01\x02 x\x7f", "a\x1bb", "a\x08b", "a\x0bb\x0cc", "a\x1cb\x1dc\x1ed\x1fe", "a\x85b\x9fc", "a\u2028b\u2029c",
                "soft\u00adhyphen", "left\u200eright\u200f", "\u202ereversed\u202c", "\u2066isolate\u2069", "word\u2060joiner",
                "\ufeffBOM", "\ufffd", "a\ufffdb \ufffd\ufffd", "\ue000\uf8ff", "\ufdd0\uffff", "\U0010ffff", "\u0378\u0380",
                "\U000e0001", "\u180ea\u180e", "\u061ca", "\u115fa\u3164", "a\u034fb"]
    # Whitespace
    yield from ["a\u00a0b", "a\u2003b\u2009c\u202fd", "a\u1680b", "a\u3000b", "  two  spaces  ", "line\r\nline\rline\nline", "tab\ttab\t\ttab",
                "trailing ", " leading", "a \n b", "a   \n\n\n   b", "don 't  stop", "\u2007figure\u2008", "a\u205fb"]
    # Han, kana, hangul and their extensions
    yield from ["数字", "中文and英文mixed123", "漢字かな交じり文", "ｶﾀｶﾅ half", "カタカナ", "か\u3099", "が", "한국어", "\u1112\u1161\u11ab", "한글 자모 ㅎㅏㄴ",
                "\U00020000\U0002a6d6", "\u3400\u4dbf", "\U0002f800", "\uf900\ufa0e", "々〆〇", "「括弧」、。", "㍻㌔①⑳", "㈱", "〜～", "龍龘", "\u2e80\u2f00",
                "\U00030000", "ㄅㄆㄇ", "한국어와 English", "𠮷野家"]
    # Thai, Lao, Khmer, Burmese, Indic, Tibetan, Ethiopic
    yield from ["ภาษาไทย", "กำ กํา", "น้ำใจ", "ພາສາລາວ", "ភាសាខ្មែរ", "မြန်မာ", "हिन्दी", "क्षत्रिय", "বাংলা", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "ગુજરાતી", "ਪੰਜਾਬੀ",
                "සිංහල", "བོད་ཡིག", "አማርኛ", "ქართული", "ᲥᲐᲠᲗᲣᲚᲘ", "հայերեն", "Հ", "ᠮᠣᠩᠭᠣᠯ", "क\u093c क़"]
    # Right to left
    yield from ["שלום עולם", "שָׁלוֹם", "السلام عليكم", "ﷺ", "ﻻ ﻷ", "مُحَمَّد", "اَلْعَرَبِيَّةُ", "ابتـــسم", "۱۲۳ ١٢٣", "اردو میں", "\u200fabc אבג 123", "ܐܪܡܝܐ", "ދިވެހި",
                "english עברית mixed", "أإآا ى ي ی", "ך כ"]
    # Accents, composed and decomposed, in several orders; case without a simple answer
    for word in ["naïve café", "Ångström Å Å", "résumé RÉSUMÉ", "ệ Ệ", "ǖ Ǖ", "Ñandú", "ḍ̇", "Ž ž Č č", "ő Ű", "ά Ά", "ё Ё й Й"]:
        yield unicodedata.normalize("NFC", word)
        yield unicodedata.normalize("NFD", word)
    yield from ["a\u0323\u0307 a\u0307\u0323", "\u0301", " \u0301a", "a\u0301\u0302\u0303\u0304\u0305", "Z̸̢͎͠á̵l̷g̶o̴", "ß", "ẞ", "STRASSE Straße STRAẞE", "ı", "I i İ ı", "i\u0307 I\u0307",
                "DİYARBAKIR ılık", "ŉ ǰ ΐ", "ς Σ σ ΌΔΟΣ", "ǅ ǆ Ǆ", "ſtill ſ", "ﬁ ﬂ ﬃ", "Ĳ ĳ", "K K", "Ω Ω", "Å", "µ μ", "ª º ¹²³", "½ ⅓", "Ⅷ ⅷ", "ⅰ", "ᾳ ᾼ", "ᵃᵇᶜ ₁₂",
                "Ａｂｃ １２３ ！", "𝒜𝓁𝓅𝒽𝒶 𝟘𝟙", "Ⓐⓑ", "🅰🆎", "Ꭰ ꭰ", "Ა ა", "𐐀 𐐨", "Ɐ ɐ", "Ꞌ", "Ჾ", "ꟽ", "𞤀 𞤢"]
    # Long words, repetition, no spaces
    yield from ["a" * 99, "a" * 100, "a" * 101, "x" * 200, "Donaudampfschifffahrtsgesellschaft" * 6, "é" * 100, "e\u0301" * 60, "😀" * 101, "中" * 150, "ab" * 500, "!" * 50, "- " * 40,
                "a" * 100 + " b", "supercalifragilisticexpialidocious", "#" * 120, "\u0301" * 110, "1" * 130]
    # Special tokens and what looks like them
    yield from ["[SEP]", "[CLS] [SEP] [PAD] [UNK] [MASK]", "a[SEP]b", "[sep] [Sep]", "[ SEP ]", "[SEP", "SEP]", "[[SEP]]", "[MASK] is", "a [MASK]. b", "[UNK]", "[unused1]",
                "<s>", "</s>", "a</s>b", "<s> a </s></s> b", "<mask>", "a <mask> b", "a<mask>b", "<pad> <unk>", "< s >", "<S>", "<|endoftext|>", "##ing", "## ing", "un##known", "▁", "▁a ▁▁b", "a▁b",
                "Ġ", "Ġa", "Ċ", "âĢĻ", "</w>", "@@", "<0x41>"]
    # Punctuation, symbols, numbers, code, links
    yield from ["don't won't I'm we've they'll he'd it's", "DON'T I'M", "don’t it’s", "'s 't 're", "''s", "rock'n'roll", "a'b'c", "o'clock's", "«guillemets» „quotes“ ‘single’", "em—dash en–dash - hyphen ‐ ‑ ‒ ―",
                "a…b...c", "¿qué? ¡sí!", "100% $5.00 €3,50 £2 ¥1", "1,234,567.89", "1e-5 0x1F", "+49 (0)30 123-456", "3.14159265358979", "10−5 10-5", "2+2=4", "a<b>c&d;", "http://example.com/a?b=c&d=%20#e",
                "me@example.com", "@user #tag", "C++ C# .NET", "f(x) = x^2 + {y}[z]", "\\n \\u0041", "```code```", "$\\frac{1}{2}$", "°C ℃ K", "№ ™ © ®", "♠♥♦♣ ★☆", "→ ← ⇒ ∀∃∈", "√2 ≈ 1.41", "∑∫∂", "│┌─┐", "█▓▒░",
                "¬ ¦ § ¶", "`´ˆ˜", "^_^ ^", "~tilde~", "|pipe|", "a/b\\c", "snake_case camelCase kebab-case", "A.B.C. U.S.A.", "Mr. O'Neill-Smith, Ph.D.", "(a)(b)[c]{d}", "¹⁄₂ 1⁄2", "٪ ٫ ٬", "، ؛ ؟", "。、・", "।॥", "﹏﹐﹑", "𝄞 ♯♭", "₹ ₿ ₽",
                "a\u0000\u0001\u0002", "🏻", "\u20e3", "\u0e01\u0e33"]


def random_mixtures(count):
    """Strings of characters from everywhere, for what the list above forgets."""
    chance = random.Random(19)
    ranges = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f),
              (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2100, 0x214f), (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
              (0xfb00, 0xfdff), (0xfe00, 0xfeff), (0xff00, 0xffef), (0x1d400, 0x1d7ff), (0x1f300, 0x1faff)]
    for _ in range(count):
        some = chance.sample(ranges, 3)
        yield "".join(chr(chance.randint(*chance.choice(some))) for _ in range(chance.randint(5, 30)))


def wordpiece(lowercase, corpus):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # A small alphabet: some characters must stay unknown.
    trainer = trainers.WordPieceTrainer(vocab_size=900, special_tokens=BERT, limit_alphabet=350, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    special = [(token, BERT.index(token)) for token in ["[CLS]", "[SEP]"]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=special)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_level_bpe(corpus):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=ROBERTA, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def charsmap(texts):
    """A normalization table in SentencePiece's format, as in published models, but only for the characters of `texts`."""
    rules = {}
    for text in texts:
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cf") and character not in "\t\n\r\u200d":
                rules[character] = " " if character in "\x0b\x0c\x85" else ""
            elif unicodedata.normalize("NFKC", character) != character:
                rules[character] = unicodedata.normalize("NFKC", character)
        for pair in map("".join, zip(text, text[1:])):
            if unicodedata.combining(pair[1]) and len(unicodedata.normalize("NFKC", pair)) == 1:
                rules[pair] = unicodedata.normalize("NFKC", pair)
    rules.pop("\0", None)  # SentencePiece takes no rule for NUL
    codes = lambda text: " ".join(f"{ord(character):X}" for character in text)
    table = HERE / "rules.tsv"
    table.write_text("".join(f"{codes(source)}\t{codes(target)}\n" for source, target in sorted(rules.items())))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=model, vocab_size=300, hard_vocab_limit=False,
        normalization_rule_tsv=str(table), minloglevel=2)
    table.unlink()
    return sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap


def unigram(corpus, texts):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap(texts))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    trainer = trainers.UnigramTrainer(vocab_size=2000, special_tokens=ROBERTA, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def main():
    texts = list(dict.fromkeys(handwritten()))
    texts += random_mixtures(max(0, 400 - len(texts)))
    # Some texts are not learned from, so that their characters stay unknown.
    corpus = 3 * SENTENCES + texts[::2]
    trained = {
        "wordpiece-cased": lambda: wordpiece(False, corpus),
        "wordpiece-uncased": lambda: wordpiece(True, corpus),
        "byte-level-bpe": lambda: byte_level_bpe(corpus),
        "unigram": lambda: unigram(corpus, texts),
    }
    pairs = [(at, (at * 7 + 3) % len(texts)) for at in range(0, len(texts), 5)]
    expected = {"texts": texts, "pairs": pairs, "ids": {}}
    for name, train in trained.items():
        file = HERE / f"{name}.json"
        if not file.exists():
            file.write_text(train().to_str() + "\n")
        tokenizer = Tokenizer.from_file(str(file))
        expected["ids"][name] = {
            "texts": [tokenizer.encode(text).ids for text in texts],
            "pairs": [tokenizer.encode(texts[a], texts[b]).ids for a, b in pairs],
        }
    (HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
