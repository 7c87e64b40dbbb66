using System.Runtime.CompilerServices;
using Cria.Models;

namespace Cria.Generation;

/// <summary>
/// The keys and values of texts that were read before, for those that begin alike: a tree whose edges are blocks of 64 tokens, each
/// with the page that holds them; the last block of a text may be shorter. Pages are shared with the sequences that use them, never
/// changed. Because of batch invariance a text goes on after a cached prefix bit for bit as if it had been read. Belongs to the
/// scheduler's thread, but for <see cref="Bytes"/>.
/// </summary>
sealed class PrefixCache(TextModel model, long budget) : IDisposable
{
    sealed class Node(Node? parent, int[] ids, nint page)
    {
        public readonly Node? Parent = parent;
        public readonly List<Node> Children = [];
        public LinkedListNode<Node>? Use;
        public int[] Ids = ids;
        public nint Page = page;
    }

    readonly Node _root = new(null, [], 0);
    readonly ConditionalWeakTable<Adapter, Node> _adapted = []; // the trees of those that read with an adapter
    readonly KvCache _pages = model.Cache;

    /// <summary>All blocks, the one used last first. A block always stands before those that follow it, so the last one is a leaf.</summary>
    readonly LinkedList<Node> _uses = [];

    long _bytes;

    /// <summary>Bytes of the pages that it holds. Thread-safe.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes of the pages that nobody else holds.</summary>
    public long IdleBytes => _uses.Count(n => !_pages.IsShared(n.Page)) * _pages.PageBytes;

    /// <summary>A sequence that has read as much of a text as is known, but for the last token. In the place of an image's token stands its <see cref="ImageFeatures.Key"/>.</summary>
    public Sequence Begin(ReadOnlySpan<int> ids, Adapter? adapter = null, IEnumerable<ImageFeatures>? images = null)
    {
        var sequence = model.CreateSequence(adapter);
        foreach (var image in images ?? [])
            sequence.Add(image);
        var root = Root(sequence);
        var path = new List<Node>();
        for (var rest = ids[..^1]; Closest(path.LastOrDefault(root), rest) is (not null and var child, var common); rest = rest[common..])
        {
            sequence.Adopt(child.Page, rest[..common]);
            path.Add(child);
            if (common < KvCache.PagePositions)
                break;
        }
        Touch(path);
        return sequence;
    }

    /// <summary>Keeps what a sequence has read of a text, and forgets what was used least if that is too much.</summary>
    public void Keep(Sequence sequence, ReadOnlySpan<int> ids)
    {
        if (budget < _pages.PageBytes)
            return;
        var path = new List<Node>();
        for (var start = 0; start < ids.Length; start += KvCache.PagePositions)
        {
            var block = ids[start..Math.Min(start + KvCache.PagePositions, ids.Length)];
            var page = sequence.Pages[start / KvCache.PagePositions];
            var parent = path.LastOrDefault(Root(sequence));
            var (node, common) = Closest(parent, block);
            if (node is null || common < Math.Min(block.Length, node.Ids.Length))
            {
                node = new(parent, block.ToArray(), _pages.SharePage(page));
                parent.Children.Add(node);
                Interlocked.Add(ref _bytes, _pages.PageBytes);
            }
            else if (common < block.Length) // it was shorter
            {
                _pages.FreePage(node.Page);
                (node.Ids, node.Page) = (block.ToArray(), _pages.SharePage(page));
            }
            path.Add(node);
        }
        Touch(path);
        while (Bytes > budget)
            Forget();
    }

    /// <summary>Forgets the block used least; false if there is none.</summary>
    public bool Forget()
    {
        if (_uses.Last?.Value is not { } node)
            return false;
        _uses.RemoveLast();
        node.Parent!.Children.Remove(node);
        _pages.FreePage(node.Page);
        Interlocked.Add(ref _bytes, -_pages.PageBytes);
        return true;
    }

    public void Dispose()
    {
        while (Forget())
        {
        }
    }

    Node Root(Sequence sequence) => sequence.Adapter is { } adapter ? _adapted.GetValue(adapter, _ => new(null, [], 0)) : _root;

    /// <summary>The child that has the most tokens in common with a text, and how many; null if none has the first.</summary>
    static (Node? Child, int Common) Closest(Node parent, ReadOnlySpan<int> ids)
    {
        var best = ((Node?)null, 0);
        foreach (var child in parent.Children)
            if (ids.CommonPrefixLength(child.Ids) is var common && common > best.Item2)
                best = (child, common);
        return best;
    }

    void Touch(List<Node> path)
    {
        foreach (var node in Enumerable.Reverse(path))
        {
            if (node.Use is not null)
                _uses.Remove(node.Use);
            node.Use = _uses.AddFirst(node);
        }
    }
}
