using System.Buffers.Binary;
using System.Text;

namespace Cria.Tests.Formats;

/// <summary>
/// Pickles by the grammar of checkpoints, so that they come far: dictionaries of tensors, and whatever else may stand in them, in any of
/// the ways a pickle can say it. Now and then a number lies, a value is of the wrong kind, or an opcode stands where it must not.
/// </summary>
sealed class RandomPickles(Mutator random)
{
    const int Depth = 4;

    static readonly long[] Numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 24, 96, 255, 256, 65535, 65536, int.MaxValue, int.MinValue, -1, long.MaxValue, long.MinValue, 1L << 40, 1L << 62];

    static readonly string[] Storages = ["Float", "Half", "BFloat16", "Double", "Char", "Byte", "Short", "Int", "Long", "Bool", "Quantized"];

    readonly MemoryStream _code = new();
    int _memos;

    /// <summary>A pickle of a checkpoint.</summary>
    public byte[] Next()
    {
        _code.Write([0x80, 2]);
        if (Rarely(8))
            Value(Depth);
        else
            Map(() => Tensor(), Depth);
        _code.Write("."u8);
        return _code.ToArray();
    }

    void Value(int depth)
    {
        if (Rarely(60))
            Raw(Mutator.Gadgets[random.Next(Mutator.Gadgets.Length)]);
        switch (random.Next(depth == 0 ? 7 : 13))
        {
            case 0:
                Number(Any());
                break;
            case 1:
                Text(random.Next(3) == 0 ? "model" : new string((char)('a' + random.Next(26)), random.Next(600)));
                break;
            case 2:
                Raw(["N", "\x88", "\x89", "]", "}", ")", "G\x3F\xF0\0\0\0\0\0\0"], random.Next(7));
                break;
            case 3:
                Raw("ccollections\nOrderedDict\n)R");
                break;
            case 4:
                Raw($"ctorch\n{Storages[random.Next(Storages.Length)]}Storage\n");
                break;
            case 5:
                Recall();
                break;
            case 6:
                Storage(random.Next(2));
                break;
            case 7 or 8:
                Tensor();
                break;
            case 9:
                Map(() => Value(depth - 1), depth - 1);
                break;
            case 10:
                List(depth - 1);
                break;
            case 11:
                Tuple([.. Enumerable.Range(0, random.Next(5)).Select<int, Action>(_ => () => Value(depth - 1))]);
                break;
            default:
                Raw("ctorch._utils\n_rebuild_parameter\n");
                Tuple([() => Tensor(), () => Raw("\x88"), () => Raw("ccollections\nOrderedDict\n)R")]);
                Raw("R");
                break;
        }
        if (Rarely(6))
            Keep();
    }

    /// <summary>A dictionary, item by item or all at once, with attributes sometimes.</summary>
    void Map(Action value, int depth)
    {
        Raw(random.Next(2) == 0 ? "}" : "ccollections\nOrderedDict\n)R");
        Keep();
        var (count, atOnce) = (random.Next(6), random.Next(2) == 0);
        if (atOnce)
            Raw("(");
        for (var i = 0; i < count; i++)
        {
            Text(Rarely(20) ? "same" : $"layers.{i}.weight");
            if (depth > 0 && Rarely(10))
                Value(depth - 1);
            else
                value();
            if (!atOnce)
                Raw("s");
        }
        if (atOnce)
            Raw("u");
        if (Rarely(4))
            Raw("}X\x09\0\0\0_metadataNsb");
    }

    void List(int depth)
    {
        Raw("](");
        for (var i = random.Next(5); i > 0; i--)
            Value(depth);
        Raw("e");
        if (!Rarely(3))
            return;
        Value(depth);
        Raw("a");
    }

    void Tuple(params Action[] items)
    {
        var marked = items.Length is 0 or > 3 || random.Next(2) == 0;
        if (marked)
            Raw("(");
        foreach (var item in items)
            item();
        Raw(marked ? "t" : $"{(char)(0x84 + items.Length)}");
    }

    void Tensor()
    {
        if (_memos > 1 && Rarely(6))
        {
            Recall();
            return;
        }
        var (rows, columns, type) = (random.Next(5), random.Next(7), random.Next(2));
        Raw("ctorch._utils\n_rebuild_tensor_v2\n");
        Tuple(() => Storage(type), () => Number(Rarely(8) ? Any() : random.Next(4)), () => Sizes(rows, columns), () => Sizes(Rarely(4) ? 1 : columns, Rarely(4) ? rows : 1), () => Raw("\x89"), () => Raw("ccollections\nOrderedDict\n)R"));
        Raw("R");
        Keep();
    }

    void Sizes(long rows, long columns)
    {
        if (Rarely(10))
            Raw("ctorch\nSize\n");
        var call = Rarely(20);
        if (call)
            Tuple(() => Tuple(() => Number(rows), () => Number(columns)));
        else
            Tuple(() => Number(Rarely(30) ? Any() : rows), () => Number(Rarely(30) ? Any() : columns));
        if (call)
            Raw("R");
    }

    /// <summary>`data/0` is of 24 floats, `data/1` of 48 BF16.</summary>
    void Storage(int type)
    {
        Tuple(() => Text("storage"), () => Raw(Rarely(20) ? $"ctorch\n{Storages[random.Next(Storages.Length)]}Storage\n" : type == 0 ? "ctorch\nFloatStorage\n" : "ctorch\nBFloat16Storage\n"),
            () => Text(Rarely(20) ? "2" : $"{type}"), () => Text("cpu"), () => Number(Rarely(20) ? Any() : 24 * (type + 1)));
        Raw("Q");
    }

    void Keep()
    {
        var index = Rarely(50) ? random.Next(300) : _memos++;
        if (index < 256 && random.Next(2) == 0)
            _code.Write([(byte)'q', (byte)index]);
        else
            Fixed('r', index, 4);
    }

    void Recall()
    {
        if (_memos > 0)
            Fixed('j', random.Next(Rarely(40) ? 300 : _memos), 4);
        else
            Raw("N");
    }

    void Number(long number)
    {
        if (number is >= 0 and < 256 && random.Next(2) == 0)
            Fixed('K', number, 1);
        else if (number is >= 0 and < 65536 && random.Next(2) == 0)
            Fixed('M', number, 2);
        else if (number is >= int.MinValue and <= int.MaxValue && random.Next(2) == 0)
            Fixed('J', number, 4);
        else
        {
            _code.WriteByte(0x8A);
            Fixed('\x8', number, 8);
        }
    }

    void Text(string text)
    {
        if (text.Length < 256 && random.Next(4) == 0)
            Fixed('U', text.Length, 1);
        else
            Fixed('X', text.Length, 4);
        Raw(text);
    }

    void Fixed(char opcode, long number, int bytes)
    {
        Span<byte> wide = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(wide, number);
        _code.WriteByte((byte)opcode);
        _code.Write(wide[..bytes]);
    }

    long Any() => Numbers[random.Next(Numbers.Length)];

    bool Rarely(int times) => random.Next(times) == 0;

    void Raw(string[] choices, int choice) => Raw(choices[choice]);

    void Raw(string code) => _code.Write(Encoding.Latin1.GetBytes(code));
}
