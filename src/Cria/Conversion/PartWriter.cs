using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>Writes tensors in another type a part at a time.</summary>
sealed unsafe class PartWriter(long total, int threads, Action<ConversionProgress>? progress, CancellationToken cancellation)
{
    const int PartValues = 1 << 22; // at once in memory

    long _done;

    /// <summary>Writes a tensor in a type; its own bytes where it has that. <paramref name="rowAt"/> says which of its rows stands where, null as they are.</summary>
    public void Write(Tensor tensor, ElementType type, Func<long, long>? rowAt, Stream stream)
    {
        var columns = checked((int)tensor.Shape[^1]);
        var rows = tensor.Count / columns;
        var (rowBytes, sourceBytes) = ((int)type.Bytes(columns), (int)tensor.Type.Bytes(columns));
        var partRows = (int)Math.Clamp(PartValues / columns, 1, rows);
        var bytes = new byte[partRows * rowBytes];
        for (var first = 0L; first < rows; first += partRows)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = (int)Math.Min(partRows, rows - first);
            try
            {
                Parallel.For(0, count, new() { MaxDegreeOfParallelism = threads }, () => new float[columns], (i, _, values) =>
                {
                    var source = new ReadOnlySpan<byte>(tensor.Data + (rowAt?.Invoke(first + i) ?? first + i) * sourceBytes, sourceBytes);
                    var target = bytes.AsSpan(i * rowBytes, rowBytes);
                    if (tensor.Type == type && type.BlockLength() > 1) // blocks would be searched anew
                    {
                        source.CopyTo(target);
                        return values;
                    }
                    BlockFormats.Dequantize(tensor.Type, source, values);
                    BlockFormats.Quantize(type, values, [], target);
                    return values;
                }, _ => { });
            }
            catch (AggregateException e) when (e.InnerException is CriaException inner)
            {
                throw new CriaException($"{tensor.File}: {tensor.Name}: {inner.Message}", inner);
            }
            stream.Write(bytes, 0, count * rowBytes);
            _done += (long)count * sourceBytes;
            progress?.Invoke(new(tensor.Name, _done, total));
        }
    }
}
