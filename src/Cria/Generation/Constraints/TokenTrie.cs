namespace Cria.Generation.Constraints;

/// <summary>A place in a trie of tokens.</summary>
/// <param name="Next">The first place that is not below this one.</param>
/// <param name="Token">The token that ends here, or -1.</param>
/// <param name="Byte">The byte that leads here.</param>
/// <param name="Depth">Bytes up to here.</param>
readonly record struct TrieNode(int Next, int Token, byte Byte, byte Depth);

/// <summary>Tokens by their bytes, in one array in depth-first order: what lies below a place follows it.</summary>
sealed class TokenTrie
{
    public const int MostBytes = 250;

    TokenTrie(TrieNode[] nodes) => Nodes = nodes;

    public TrieNode[] Nodes { get; }

    /// <summary>Of tokens in the order of their bytes, none empty, too long or twice.</summary>
    public static TokenTrie Of(IReadOnlyList<(byte[] Bytes, int Id)> sorted)
    {
        var nodes = new List<TrieNode>();
        Span<int> way = stackalloc int[MostBytes + 1];
        var depth = 0;
        byte[] last = [];
        foreach (var (bytes, id) in sorted)
        {
            var shared = last.AsSpan().CommonPrefixLength(bytes);
            Close(shared, way);
            for (; depth < bytes.Length; depth++)
            {
                way[depth] = nodes.Count;
                nodes.Add(new(0, depth == bytes.Length - 1 ? id : -1, bytes[depth], (byte)(depth + 1)));
            }
            last = bytes;
        }
        Close(0, way);
        return new([.. nodes]);

        void Close(int to, Span<int> way)
        {
            while (depth > to)
                nodes[way[--depth]] = nodes[way[depth]] with { Next = nodes.Count };
        }
    }
}
