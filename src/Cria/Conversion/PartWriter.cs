using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Conversion;

/// <summary>What a row of values becomes.</summary>
delegate void RowConversion(ReadOnlySpan<float> row, Span<byte> target);

/// <summary>Writes tensors in another type a part at a time.</summary>
sealed unsafe class PartWriter(long total, int threads, Action<ConversionProgress>? progress, CancellationToken cancellation)
{
    const int PartValues = 1 << 22; // at once in memory

    long _done;

    /// <summary>
    /// Writes a tensor in a type; its own bytes where it has that. <paramref name="rowAt"/> says which of its rows stands where, null as they
    /// are; <paramref name="importance"/> how much the error of a column counts, empty for all alike.
    /// </summary>
    public void Write(Tensor tensor, ElementType type, Func<long, long>? rowAt, Stream stream, float[]? importance = null) =>
        Write(tensor, (int)type.Bytes(tensor.Shape[^1]), rowAt, stream,
            tensor.Type == type && type.BlockLength() > 1 ? null : (row, target) => BlockFormats.Quantize(type, row, importance, target)); // blocks would be searched anew

    /// <summary>Writes what becomes of each row, so many bytes; null copies the tensor's own.</summary>
    public void Write(Tensor tensor, int rowBytes, Func<long, long>? rowAt, Stream stream, RowConversion? convert)
    {
        var columns = checked((int)tensor.Shape[^1]);
        var rows = tensor.Count / columns;
        var sourceBytes = (int)tensor.Type.Bytes(columns);
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
                    if (convert is null)
                    {
                        source.CopyTo(target);
                        return values;
                    }
                    BlockFormats.Dequantize(tensor.Type, source, values);
                    convert(values, target);
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
