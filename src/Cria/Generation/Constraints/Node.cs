namespace Cria.Generation.Constraints;

/// <summary>A part of a grammar. Compared by reference; only one thread at a time may expand it.</summary>
abstract class Node
{
    static long _ids;

    public static readonly Node Empty = new Terminal(Regular.Empty);

    /// <summary>What matches nothing.</summary>
    public static readonly Node Never = new Choice([]);

    /// <summary>The place after the whole grammar.</summary>
    public static readonly Node End = new Choice([]);

    public long Id { get; } = Interlocked.Increment(ref _ids);

    /// <summary>One after the other.</summary>
    public static Node Then(Node first, Node second) => first == Empty ? second : second == Empty ? first : first == Never ? Never
        : first is Sequence nested ? new Sequence(nested.First, Then(nested.Second, second)) : new Sequence(first, second);
}

sealed class Terminal(Regular language) : Node
{
    public Regular Language => language;
}

sealed class Sequence(Node first, Node second) : Node
{
    public Node First => first;

    public Node Second => second;
}

sealed class Choice(IReadOnlyList<Node> options) : Node
{
    public IReadOnlyList<Node> Options => options;
}

/// <summary>A rule, a place in an object or in an array: made when it is reached.</summary>
sealed class Lazy(Func<Node> make, Func<long> least) : Node
{
    Node? _made;

    public Node Made => _made ??= make();

    /// <summary>Bytes of its shortest text.</summary>
    public long Least() => least();
}
