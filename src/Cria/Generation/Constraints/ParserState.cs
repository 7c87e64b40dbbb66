namespace Cria.Generation.Constraints;

/// <summary>What must follow and then what must follow that: a set of stacks, those with the same top sharing it.</summary>
sealed class Stack(StackFrame[] frames)
{
    public StackFrame[] Frames => frames;

    public int Hash { get; } = frames.Aggregate(17, (hash, f) => HashCode.Combine(hash, f.Node.Id, f.Below?.Id ?? 0));

    public long Id { get; set; }

    /// <summary>The states of the terminals that may begin here.</summary>
    public ParserState? Closure { get; set; }

    public long? Least { get; set; }
}

readonly record struct StackFrame(Node Node, Stack? Below);

/// <summary>A terminal in progress and what follows it.</summary>
readonly record struct Item(Regular Terminal, Stack Rest);

/// <summary>All ways to read the text so far: a state of the deterministic automaton that the grammar is, made as it is reached.</summary>
sealed class ParserState(Item[] items, bool isAccepting)
{
    public Item[] Items => items;

    /// <summary>Whether the text may end here.</summary>
    public bool IsAccepting => isAccepting;

    public bool IsDead => items.Length == 0 && !isAccepting;

    /// <summary>The bytes that may follow, and perhaps others.</summary>
    public ByteSet First { get; } = items.Aggregate(default(ByteSet), (all, i) => all | i.Terminal.First);

    /// <summary>What follows by run of bytes, as far as it is known.</summary>
    public ParserState?[]? Next { get; set; }

    /// <summary>The run of each byte; shared by all that have the same.</summary>
    public byte[]? Runs { get; set; }

    /// <summary>The tokens that may follow and do not stay inside a terminal, once they are known, and who found them.</summary>
    public (Masks Owner, int[] Tokens)? Beyond { get; set; }

    public long? Least { get; set; }
}
