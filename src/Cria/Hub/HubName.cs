using System.Text.RegularExpressions;
using Cria.Formats;

namespace Cria.Hub;

/// <summary>What `cria pull` is given: `ORG/NAME[:FILE-or-TYPE][@REV]`.</summary>
/// <param name="Repository">ORG/NAME.</param>
/// <param name="Selector">A file, a folder, or the type of a GGUF's weights; null for the model as a whole.</param>
/// <param name="Revision">A branch, a tag or a commit.</param>
sealed partial record HubName(string Repository, string? Selector, string Revision)
{
    public const string DefaultRevision = "main";

    /// <exception cref="CriaException">It has another form.</exception>
    public static HubName Parse(string text) => TryParse(text)
        ?? throw new CriaException($"{OneLine.Quote(text)} is not ORG/NAME[:FILE-or-TYPE][@REV], for example meta-llama/Llama-3.2-1B-Instruct");

    public static HubName? TryParse(string text)
    {
        var match = Form().Match(text);
        if (!match.Success || match.Groups[1].Value is var repository && (repository.Contains("--", StringComparison.Ordinal) || repository.Contains("..", StringComparison.Ordinal)))
            return null;
        var selector = match.Groups[2].Success ? match.Groups[2].Value.TrimEnd('/') : null;
        var revision = match.Groups[3].Success ? match.Groups[3].Value : DefaultRevision;
        return (selector is null || IsSafePath(selector)) && IsSafePath(revision) ? new(match.Groups[1].Value, selector, revision) : null;
    }

    /// <summary>Whether a path stays inside the folder it is joined to: no root, no `..`, no empty part, nothing a file system reads as something else.</summary>
    public static bool IsSafePath(string path) => path.Length < 1024
        && path.Split('/').All(part => HuggingFaceDirectory.IsPlainName(part) && part.IndexOfAny(Path.GetInvalidFileNameChars()) < 0);

    [GeneratedRegex(@"^([A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})(?::([^@]+))?(?:@([A-Za-z0-9][A-Za-z0-9._/-]*))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
