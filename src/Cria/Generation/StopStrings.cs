namespace Cria.Generation;

/// <summary>
/// Cuts a streamed text before the first stop string that completes in it (of several that complete with one character, the
/// longest). Text that may be the beginning of one is held back until it cannot be any more. One instance per stream.
/// </summary>
sealed class StopStrings(IReadOnlyList<string> stops)
{
    string _held = "";

    /// <summary>Whether a stop string was found; nothing is released after that.</summary>
    public bool Found { get; private set; }

    /// <summary>The text that is certain now.</summary>
    public string Push(string piece)
    {
        if (Found || piece.Length == 0)
            return "";
        if (stops.Count == 0)
            return piece;
        var text = _held + piece;
        var (start, end) = (text.Length, int.MaxValue);
        foreach (var stop in stops)
        {
            var at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (at + stop.Length, at).CompareTo((end, start)) < 0)
                (start, end) = (at, at + stop.Length);
        }
        Found = end != int.MaxValue;
        if (!Found)
            start = text.Length - stops.Max(stop => Overlap(text, stop));
        _held = Found ? "" : text[start..];
        return text[..start];
    }

    /// <summary>What is still held back, at the end of the stream.</summary>
    public string Flush()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    /// <summary>The length of the longest end of a text that begins a stop string.</summary>
    static int Overlap(string text, string stop)
    {
        for (var length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                return length;
        return 0;
    }
}
