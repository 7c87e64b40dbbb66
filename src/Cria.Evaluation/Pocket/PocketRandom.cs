namespace Cria.Evaluation.Pocket;

/// <summary>A small deterministic generator (SplitMix64), the same on every platform and version. Not thread-safe.</summary>
public sealed class PocketRandom(ulong seed)
{
    ulong _state = seed;

    /// <summary>A stream of its own for a place in the world: the same parts give the same stream.</summary>
    public static PocketRandom For(string name, ulong seed, long index, int attempt = 0)
    {
        var hash = 14695981039346656037UL; // FNV-1a
        foreach (var c in name)
            hash = (hash ^ c) * 1099511628211UL;
        var random = new PocketRandom(hash ^ seed * 0x9E3779B97F4A7C15UL);
        random._state ^= random.NextBits() + (ulong)index * 0xD1B54A32D192ED03UL;
        random._state ^= random.NextBits() + (ulong)attempt * 0x8CB92BA72F3D8DD7UL;
        return random;
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits()
    {
        var z = _state += 0x9E3779B97F4A7C15UL;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBUL;
        return z ^ z >> 31;
    }

    /// <summary>An integer in [0, count).</summary>
    public int Next(int count) => (int)((NextBits() >> 32) * (ulong)count >> 32);

    /// <summary>An integer in [from, to].</summary>
    public int Between(int from, int to) => from + Next(to - from + 1);

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => (NextBits() >> 11) * (1.0 / (1UL << 53)) < probability;

    /// <summary>One of the list, all equally likely.</summary>
    public T Pick<T>(IReadOnlyList<T> list) => list[Next(list.Count)];

    /// <summary>Some different ones of the list, in random order.</summary>
    public List<T> Pick<T>(IReadOnlyList<T> list, int count)
    {
        var rest = list.ToList();
        Shuffle(rest);
        return rest[..count];
    }

    /// <summary>Shuffles in place.</summary>
    public void Shuffle<T>(IList<T> list)
    {
        for (var i = list.Count - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }
}
