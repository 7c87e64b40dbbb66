namespace Cria.Hub;

/// <summary>How far a name that somebody typed is from one that exists.</summary>
static class NameDistance
{
    /// <summary>No longer worth a mention.</summary>
    public const int Far = int.MaxValue;

    /// <summary>0 where one contains the other; else the edits (insert, delete, replace) between them if these are under a third of the length. Case does not count.</summary>
    public static int Between(string typed, string name)
    {
        var (a, b) = (typed.ToLowerInvariant(), name.ToLowerInvariant());
        if (a.Length > 2 && (b.Contains(a, StringComparison.Ordinal) || a.Contains(b, StringComparison.Ordinal)))
            return 0;
        var allowed = Math.Max(a.Length, b.Length) / 3;
        if (a.Length > 256 || Math.Abs(a.Length - b.Length) > allowed)
            return Far;
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 0; i < a.Length; i++)
        {
            var (diagonal, previous) = (row[0], row[0] = i + 1);
            for (var j = 0; j < b.Length; j++)
            {
                previous = Math.Min(Math.Min(row[j + 1], previous) + 1, diagonal + (a[i] == b[j] ? 0 : 1));
                (diagonal, row[j + 1]) = (row[j + 1], previous);
            }
        }
        return row[^1] <= allowed ? row[^1] : Far;
    }
}
