using Cria.Tensors;

namespace Cria.Kernels;

/// <summary>
/// The kernels spread over the threads. Work is split by outputs and rows, never inside a sum, so results do not depend on the
/// number of threads. One caller at a time.
/// </summary>
sealed unsafe class Compute(KernelSet kernels, int? threads, bool roundToBF16) : IDisposable
{
    /// <summary>Weights of one chunk: small enough for the second-level cache, where every tile of activations meets them again.</summary>
    const int ChunkBytes = 256 * 1024;

    /// <summary>Multiplications below which a region costs more than it saves.</summary>
    const long SmallWork = 1 << 16;

    readonly NativeBuffer _packed = new();

    public KernelSet Kernels => kernels;

    public WorkerPool Pool { get; } = new(threads);

    /// <summary>Y = X Wᵀ; W is [y.Columns, x.Columns]. With BF16 arithmetic X is rounded first.</summary>
    public void Multiply(ElementType type, byte* weights, Matrix x, Matrix y)
    {
        var packed = _packed.Reserve((long)x.Rows * kernels.PackedColumns(x.Columns));
        ForRows(x.Rows, x.Columns, multipleOf: 6, (first, end) => kernels.Pack(type, x.Data, x.Columns, first, end, roundToBF16, packed));

        var outputs = y.Columns;
        var chunk = outputs;
        if (x.Count * outputs > SmallWork)
        {
            var cached = ChunkBytes / (x.Columns * type.Size());
            var balanced = (outputs + 4 * Pool.Threads - 1) / (4 * Pool.Threads);
            chunk = (Math.Max(1, Math.Min(cached, balanced)) + 3) & ~3;
        }
        Pool.Run((outputs + chunk - 1) / chunk, (i, _) =>
            kernels.Multiply(type, weights, x.Columns, i * chunk, Math.Min(outputs, (i + 1) * chunk), packed, 0, x.Rows, y.Data, outputs));
    }

    /// <summary>y = x / sqrt(mean(x²) + epsilon) * weight, row by row.</summary>
    public void RmsNorm(Matrix x, float* weight, float epsilon, Matrix y) => ForRows(x.Rows, x.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.RmsNorm(x[row], weight, x.Columns, epsilon, y[row]);
    });

    /// <summary>gate = silu(gate) * up.</summary>
    public void SwiGlu(Matrix gate, Matrix up) => ForRows(gate.Rows, gate.Columns, 1, (first, end) =>
    {
        for (var row = first; row < end; row++)
            kernels.SwiGlu(gate[row], up[row], gate.Columns);
    });

    /// <summary>x += y.</summary>
    public void Add(Matrix x, Matrix y) => ForRows(x.Rows, x.Columns, 1, (first, end) => kernels.Add(x[first], y[first], (end - first) * x.Columns));

    /// <summary>
    /// <paramref name="body"/>(first, end) over ranges that cover all rows and begin at multiples of <paramref name="multipleOf"/>, in
    /// several threads where there are enough elements.
    /// </summary>
    public void ForRows(int rows, int columns, int multipleOf, Action<int, int> body)
    {
        var ranges = (int)Math.Min(4 * Pool.Threads, (long)rows * columns * 4 / SmallWork);
        if (ranges <= 1)
        {
            body(0, rows);
            return;
        }
        var size = ((rows + ranges - 1) / ranges + multipleOf - 1) / multipleOf * multipleOf;
        Pool.Run((rows + size - 1) / size, (i, _) => body(i * size, Math.Min(rows, (i + 1) * size)));
    }

    public void Dispose()
    {
        Pool.Dispose();
        _packed.Dispose();
    }
}
