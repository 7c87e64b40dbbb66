using Cria.Tensors;

namespace Cria.Formats;

/// <summary>
/// The two orders of the rows of query and key matrices. RoPE rotates rows i and i + d/2 of a head in the files of Hugging Face, rows 2i
/// and 2i + 1 in those of Meta and GGUF (spec section 3).
/// </summary>
static unsafe class HeadRows
{
    /// <summary>The row of Hugging Face's order that stands at <paramref name="row"/> of the other.</summary>
    public static long InHalves(long row, int headSize)
    {
        var i = row % headSize;
        return row - i + i % 2 * (headSize / 2) + i / 2;
    }

    /// <summary>The row of Meta's order that stands at <paramref name="row"/> of Hugging Face's.</summary>
    public static long InPairs(long row, int headSize)
    {
        var (i, half) = (row % headSize, headSize / 2);
        return row - i + i % half * 2 + i / half;
    }

    /// <summary>The tensor with its rows, which are in Hugging Face's order, in Meta's: a copy, made when it is first read.</summary>
    public static Tensor ToPairs(Tensor tensor, int headSize, List<IDisposable> memories) => Reorder(tensor, row => InHalves(row, headSize), memories);

    /// <summary>The tensor with its rows, which are in Meta's order, in Hugging Face's: a copy, made when it is first read.</summary>
    public static Tensor ToHalves(Tensor tensor, int headSize, List<IDisposable> memories) => Reorder(tensor, row => InPairs(row, headSize), memories);

    static Tensor Reorder(Tensor tensor, Func<long, long> rowAt, List<IDisposable> memories)
    {
        var memory = new GatheredMemory(tensor.File, tensor.ByteLength, target =>
        {
            var rowBytes = tensor.ByteLength / tensor.Shape[0];
            for (var row = 0L; row < tensor.Shape[0]; row++)
                Buffer.MemoryCopy(tensor.Data + rowAt(row) * rowBytes, target + row * rowBytes, rowBytes, rowBytes);
        });
        memories.Add(memory);
        return new Tensor(tensor.Name, tensor.Type, [.. tensor.Shape], memory, 0);
    }
}
