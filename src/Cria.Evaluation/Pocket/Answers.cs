using System.Text;

namespace Cria.Evaluation.Pocket;

/// <summary>Comparisons that verifiers share.</summary>
static class Answers
{
    /// <summary>Equal but for case, white space and final punctuation marks.</summary>
    public static bool Same(string reply, string answer) => Normalise(reply) == Normalise(answer);

    public static string Normalise(string text) =>
        string.Join(' ', text.Normalize(NormalizationForm.FormC).ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .TrimEnd('.', '!', '?', '।', ' ');

    /// <summary>The share of the facts that the reply names, as whole words; 0 if it names a rival: a word that is none of the facts.</summary>
    public static double Facts(string reply, IReadOnlyCollection<string> facts, IEnumerable<string>? rivals = null) =>
        rivals?.Any(r => !facts.Contains(r, StringComparer.OrdinalIgnoreCase) && Names(reply, r)) == true
            ? 0 : (double)facts.Count(f => Names(reply, f)) / facts.Count;

    /// <summary>True if the text has the words, not only as part of longer words.</summary>
    public static bool Names(string text, string words)
    {
        for (var at = text.IndexOf(words, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(words, at + 1, StringComparison.OrdinalIgnoreCase))
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (at + words.Length == text.Length || !char.IsLetterOrDigit(text[at + words.Length])))
                return true;
        return false;
    }

    /// <summary>True if the reply cannot be right whatever it names: the question said back, or text far longer than the answer.</summary>
    public static bool IsEchoOrDump(string reply, string question, string answer) =>
        reply.Length > 2 * answer.Length + 40
        || !Same(reply, answer) && (Same(reply, question) || question.Length > 40 && reply.Contains(question, StringComparison.OrdinalIgnoreCase));
}
