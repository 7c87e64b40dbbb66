using System.Text.RegularExpressions;

namespace Cria.Formats;

/// <summary>
/// Which modules a key of an adapter's configuration means, as PEFT reads it: those whose name, or the end of it behind a dot, is the
/// key; and a key may be a regular expression of that. Matching takes time linear in the name, whatever the expression.
/// </summary>
sealed class ModulePattern
{
    const int MaxLength = 256;

    readonly string _text;
    readonly Regex? _expression;

    /// <exception cref="CriaException">The text is no regular expression, or one that needs backtracking.</exception>
    public ModulePattern(string text)
    {
        _text = text;
        if (text.Length > MaxLength)
            throw new CriaException($"is longer than {MaxLength} characters");
        if (text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.'))
            return;
        try
        {
            _expression = new Regex($@"\A(?:.*\.)?(?:{text})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new CriaException("is no regular expression of module names", e);
        }
    }

    public bool Matches(string module) => _expression?.IsMatch(module) ??
        (module.EndsWith(_text, StringComparison.Ordinal) && (module.Length == _text.Length || module[^(_text.Length + 1)] == '.'));
}
