using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Cria.Formats;

/// <summary>
/// Runs the few opcodes that PyTorch writes into a checkpoint (spec 4.2) and refuses all others. Values are strings, numbers,
/// containers and the records of PickleValue.cs; nothing a file names is ever called or loaded. Bounded in everything it keeps.
/// </summary>
ref struct PickleMachine(ReadOnlySpan<byte> code)
{
    /// <summary>A tensor takes about 25 values and 11 memos.</summary>
    const int MaxValues = 1 << 18, MaxMemo = 1 << 17;

    const int MaxStack = 1 << 14, MaxMarks = 64, MaxDepth = 64, MaxText = 512;

    readonly ReadOnlySpan<byte> _code = code;
    readonly List<object?> _stack = [];
    readonly Stack<int> _marks = [];
    readonly Dictionary<uint, object?> _memo = [];
    int _at;
    int _values;

    /// <summary>The value that a pickle holds.</summary>
    /// <exception cref="CriaException">The pickle is damaged, or uses anything that is not on the list.</exception>
    public static object? Run(ReadOnlySpan<byte> code) => new PickleMachine(code).Run();

    object? Run()
    {
        while (true)
        {
            var start = _at;
            var opcode = Next();
            if (opcode == '.')
                return _stack.Count == 1 && _marks.Count == 0 ? _stack[0] : throw Error("it ends with values left over");
            if (!Step(opcode))
                throw Error($"opcode 0x{opcode:X2} at {start} is none that checkpoints use");
        }
    }

    bool Step(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                return Next() == 2 ? true : throw Error("not protocol 2");
            case (byte)'(': // MARK
                if (_marks.Count == MaxMarks)
                    throw Error($"marks nested more than {MaxMarks} deep");
                _marks.Push(_stack.Count);
                return true;
            case (byte)'c': // GLOBAL
                Push(Global());
                return true;
            case (byte)'R': // REDUCE
                Push(Reduce(Pop(), Pop()));
                return true;
            case (byte)'b': // BUILD: the attributes of a dictionary do not matter
                Pop();
                return Top() is Dictionary<string, object?> ? true : throw Error("BUILD of something other than a dictionary");
            case (byte)'Q': // BINPERSID
                Push(PickleGlobals.Storage(Pop()) ?? throw Error("a persistent id that names no storage"));
                return true;
            case (byte)'q': // BINPUT
                Remember(Next());
                return true;
            case (byte)'r': // LONG_BINPUT
                Remember(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint))));
                return true;
            case (byte)'h': // BINGET
                Push(Recall(Next()));
                return true;
            case (byte)'j': // LONG_BINGET
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)))));
                return true;
            default:
                return PushConstant(opcode) || Collect(opcode);
        }
    }

    bool PushConstant(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'X': // BINUNICODE
                Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)))));
                return true;
            case (byte)'U': // SHORT_BINSTRING
                Push(Text(Next()));
                return true;
            case (byte)'J': // BININT
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int))));
                return true;
            case (byte)'K': // BININT1
                Push((long)Next());
                return true;
            case (byte)'M': // BININT2
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort))));
                return true;
            case 0x8A: // LONG1
                Push(Long(Take(Next())));
                return true;
            case (byte)'G': // BINFLOAT
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double))));
                return true;
            case (byte)'N': // NONE
                Push(null);
                return true;
            case 0x88: // NEWTRUE
                Push(true);
                return true;
            case 0x89: // NEWFALSE
                Push(false);
                return true;
            case (byte)'}': // EMPTY_DICT
                Push(new Dictionary<string, object?>());
                return true;
            case (byte)']': // EMPTY_LIST
                Push(new List<object?>());
                return true;
            case (byte)')': // EMPTY_TUPLE
                Push(Tuple([]));
                return true;
            default:
                return false;
        }
    }

    /// <summary>The opcodes that put values of the stack into a container.</summary>
    bool Collect(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'t': // TUPLE
                Push(Tuple(PopToMark()));
                return true;
            case >= 0x85 and <= 0x87: // TUPLE1, TUPLE2, TUPLE3
                Push(Tuple(Pop(opcode - 0x84)));
                return true;
            case (byte)'s': // SETITEM
                SetItems(Pop(2));
                return true;
            case (byte)'u': // SETITEMS
                SetItems(PopToMark());
                return true;
            case (byte)'a': // APPEND
                Append(Pop(1));
                return true;
            case (byte)'e': // APPENDS
                Append(PopToMark());
                return true;
            default:
                return false;
        }
    }

    object Global()
    {
        var (module, name) = (Line(), Line());
        return PickleGlobals.Find(module, name) ?? throw Error($"it names {OneLine.Cut($"{module}.{name}")}, which is not on the list of what checkpoints use");
    }

    static object Reduce(object? arguments, object? callable) =>
        callable is PickleGlobal global && arguments is PickleTuple tuple && PickleGlobals.Apply(global, tuple.Items) is { } value ? value
            : throw Error($"a call of {(callable is PickleGlobal known ? known : "something")} with arguments that do not fit");

    static PickleTuple Tuple(object?[] items)
    {
        var depth = 1;
        foreach (var item in items)
            if (item is PickleTuple inner)
                depth = Math.Max(depth, inner.Depth + 1);
        return depth <= MaxDepth ? new PickleTuple(items, depth) : throw Error($"tuples nested more than {MaxDepth} deep");
    }

    readonly void SetItems(object?[] items)
    {
        if (Top() is not Dictionary<string, object?> map || items.Length % 2 != 0)
            throw Error("pairs without a dictionary");
        for (var i = 0; i < items.Length; i += 2)
        {
            if (items[i] is not string key)
                throw Error("a dictionary key that is no string");
            if (!map.TryAdd(key, items[i + 1]))
                throw Error($"duplicate key {OneLine.Quote(key)}");
        }
    }

    readonly void Append(object?[] items)
    {
        if (Top() is not List<object?> list)
            throw Error("items without a list");
        list.AddRange(items);
    }

    void Push(object? value)
    {
        if (++_values > MaxValues || _stack.Count == MaxStack)
            throw Error($"more than {MaxValues} values, or {MaxStack} at once");
        _stack.Add(value);
    }

    readonly object? Top() => _stack.Count > Floor ? _stack[^1] : throw Error("it takes a value where there is none");

    readonly object? Pop() => Pop(1)[0];

    readonly object?[] Pop(int count)
    {
        if (_stack.Count - count < Floor)
            throw Error("it takes a value where there is none");
        object?[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return items;
    }

    readonly object?[] PopToMark()
    {
        var count = _marks.Count > 0 ? _stack.Count - _marks.Peek() : throw Error("no mark");
        var items = Pop(count);
        _marks.Pop();
        return items;
    }

    /// <summary>Values below the last mark cannot be taken.</summary>
    readonly int Floor => _marks.Count > 0 ? _marks.Peek() : 0;

    readonly void Remember(uint index) => _memo[index] = index < MaxMemo ? Top() : throw Error($"more than {MaxMemo} values kept");

    readonly object? Recall(uint index) => _memo.TryGetValue(index, out var value) ? value : throw Error($"value {index} was never kept");

    string Text(uint length)
    {
        if (length > MaxText)
            throw Error($"a string of {length} bytes, more than {MaxText}");
        var bytes = Take((int)length);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Error("a string that is not UTF-8");
    }

    string Line()
    {
        var length = _code[_at..].IndexOf((byte)'\n');
        var line = length is >= 0 and <= MaxText ? Text((uint)length) : throw Error($"a name without an end, or of more than {MaxText} bytes");
        _at++;
        return line;
    }

    static long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long))
            throw Error($"an integer of {bytes.Length} bytes");
        var value = bytes.Length > 0 && bytes[^1] >= 0x80 ? -1L : 0L;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    byte Next() => Take(1)[0];

    ReadOnlySpan<byte> Take(int length)
    {
        if (length > _code.Length - _at)
            throw Error("it ends in the middle");
        _at += length;
        return _code.Slice(_at - length, length);
    }

    static CriaException Error(string problem) => new(problem);
}
