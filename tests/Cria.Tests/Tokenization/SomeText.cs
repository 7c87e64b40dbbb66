using CsCheck;

namespace Cria.Tests.Tokenization;

/// <summary>Generates text in which every rule of the split pattern and of the vocabularies meets every other.</summary>
static class SomeText
{
    static readonly string[] Fragments =
    [
        "a", "aa", "he", "hello", " w", "or", "the", "Ж", "ö", "ก", "日", "न", "ि", "\u0301", "ſ", "S", "t", "RE", "ve", "LL", "d", "\U0001D49C", "\U00020000",
        "1", "12", "٣", "Ⅷ", "½", "\U0001D7CF", "'", "’s", "'s", ".", "...", "!?", "€", "🦙", "\uFFFD", "\0", "\u200B", "\uFEFF", "(", "_", "-",
        " ", "  ", "    ", "\t", "\n", "\r\n", "\r", "\u00A0", "\u3000", "\u0085", "\u2028", "\u001C", "\u001F", "\u180E",
        "<|", "|>", "<|eot_id|>", "<|begin_of_text|>", "<|start_header_id|>", "<|reserved_special_token_5|>", "eot_id",
    ];

    /// <summary>Valid Unicode.</summary>
    public static readonly Gen<string> Valid = Gen.OneOf(From(Fragments), AnyCharacter()).Array[0, 40].Select(string.Concat);

    /// <summary>Also lone surrogates.</summary>
    public static readonly Gen<string> Any = Gen.OneOf(From(Fragments), From("\uD83E", "\uDD99", "\uDBFF", "\uDC00"), AnyCharacter()).Array[0, 40].Select(string.Concat);

    /// <summary>One of these.</summary>
    public static Gen<string> From(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);

    static Gen<string> AnyCharacter() => Gen.OneOf(Gen.Int[0, 0x2FF], Gen.Int[0, 0xD7FF], Gen.Int[0xE000, 0x10FFFF]).Select(char.ConvertFromUtf32);
}
