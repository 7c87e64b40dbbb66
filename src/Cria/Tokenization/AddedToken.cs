namespace Cria.Tokenization;

/// <summary>What becomes of text that spells an added token.</summary>
enum AddedTokenKind
{
    /// <summary>It becomes the token where the caller allows control tokens.</summary>
    Control,

    /// <summary>It always becomes the token.</summary>
    UserDefined,

    /// <summary>It stays text; only the id can be decoded.</summary>
    Unused,
}

/// <summary>A token that no merge makes, beside those of the vocabulary.</summary>
sealed record AddedToken(string Text, int Id, AddedTokenKind Kind);
