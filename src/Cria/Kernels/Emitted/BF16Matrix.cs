using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Cria.Tensors;

namespace Cria.Kernels.Emitted;

/// <summary>BF16 weights as they lie in the file, with activations rounded to BF16.</summary>
sealed unsafe class BF16Matrix(Tensor weight, Compute compute) : WeightMatrix
{
    /// <summary>Outputs whose sums wait while the next block of columns of their activations is brought to the first-level cache.</summary>
    const int BlockOutputs = 64, BlockSteps = 64;

    const int Step = BF16Kernel.StepColumns, MostRows = BF16Kernel.MostRows, Outputs = BF16Kernel.Outputs, Lanes = 16;

    /// <summary>Whether there is a form like this for rows of a length.</summary>
    public static bool Supports(int columns) => BF16Kernel.IsSupported && columns % Step == 0;

    public override void Multiply(Matrix x, Matrix y)
    {
        var weights = weight.Data;
        var packed = (ushort*)compute.Activations.Reserve(x.Count / 2);
        compute.ForRows(x.Rows, x.Columns, MostRows, (first, end) =>
        {
            for (var row = first; row < end; row++)
                Pack(x, row, packed);
        });
        var chunk = compute.ChunkOutputs(x, y.Columns, x.Columns * sizeof(ushort));
        compute.Pool.Run((y.Columns + chunk - 1) / chunk, (i, _) =>
        {
            for (var row = 0; row < x.Rows; row += MostRows)
                for (var output = i * chunk; output < Math.Min(y.Columns, (i + 1) * chunk); output += BlockOutputs)
                    Multiply(weights, packed + (nint)row * x.Columns, x.Columns, output, Math.Min(y.Columns, Math.Min(output + BlockOutputs, (i + 1) * chunk)), y, row);
        });
    }

    /// <summary>Rounds a row to BF16 and puts its steps beside those of its up to five neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Pack(Matrix x, int row, ushort* packed)
    {
        var first = row / MostRows * MostRows;
        var rows = Math.Min(MostRows, x.Rows - first);
        var target = packed + (nint)first * x.Columns + (row - first) * Step;
        for (var column = 0; column < x.Columns; column += Step, target += rows * Step)
        {
            var low = Width512.RoundToBF16(Vector512.Load(x[row] + column)).AsUInt32() >> 16;
            var high = Width512.RoundToBF16(Vector512.Load(x[row] + column + Lanes)).AsUInt32() >> 16;
            Vector512.Narrow(low, high).Store(target);
        }
    }

    /// <summary>Outputs [<paramref name="first"/>, <paramref name="past"/>) of up to six rows, the first of them <paramref name="row"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization), SkipLocalsInit]
    static void Multiply(byte* weights, ushort* packed, int columns, int first, int past, Matrix y, int row)
    {
        const int quadFloats = MostRows * Outputs * Lanes;
        var buffer = stackalloc float[BlockOutputs / Outputs * quadFloats + Lanes];
        var sums = (float*)((nint)(buffer + Lanes) & -64);
        new Span<float>(sums, (past - first + Outputs - 1) / Outputs * quadFloats).Clear();
        var rows = Math.Min(MostRows, y.Rows - row);
        var rowBytes = (nint)columns * sizeof(ushort);
        var blockSteps = rows < MostRows ? columns / Step : BlockSteps; // fewer rows are for weights that come from memory: in one stream
        for (var column = 0; column < columns; column += blockSteps * Step)
        {
            var end = Math.Min(columns, column + blockSteps * Step);
            for (var output = first; output < past; output += Outputs)
            {
                var ends = weights + output * rowBytes + end * sizeof(ushort);
                var last = Math.Min(Outputs, past - output) - 1; // repeated where fewer are left
                var tile = new BF16Tile
                {
                    Weights0 = ends,
                    Weights1 = ends + Math.Min(1, last) * rowBytes,
                    Weights2 = ends + Math.Min(2, last) * rowBytes,
                    Weights3 = ends + last * rowBytes,
                    Start = (column - end) * sizeof(ushort),
                    Ahead = ends + (Outputs + Outputs - 1) * rowBytes,
                    X = (byte*)(packed + (nint)column * rows),
                    Sums = sums + (output - first) / Outputs * quadFloats,
                };
                BF16Kernel.Run(&tile, rows);
                if (end < columns)
                    continue;
                for (var r = 0; r < rows; r++)
                {
                    var four = Sum(tile.Sums + r * Outputs * Lanes);
                    var target = y[row + r] + output;
                    if (last == Outputs - 1)
                        four.Store(target);
                    else
                        for (var i = 0; i <= last; i++)
                            target[i] = four[i];
                }
            }
        }
    }

    /// <summary>Sums of four vectors, each in the order of <see cref="Width512.Sum"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Sum(float* vectors)
    {
        var (a, b, c, d) = (Vector512.Load(vectors), Vector512.Load(vectors + Lanes), Vector512.Load(vectors + 2 * Lanes), Vector512.Load(vectors + 3 * Lanes));
        var ab = Avx512F.Shuffle4x128(a, b, 0x44) + Avx512F.Shuffle4x128(a, b, 0xEE);
        var cd = Avx512F.Shuffle4x128(c, d, 0x44) + Avx512F.Shuffle4x128(c, d, 0xEE);
        var lanes = Avx512F.Shuffle4x128(ab, cd, 0x88) + Avx512F.Shuffle4x128(ab, cd, 0xDD);
        lanes += Avx512F.Permute4x32(lanes, 0x4E);
        lanes += Avx512F.Permute4x32(lanes, 0xB1);
        return Avx512F.PermuteVar16x32(lanes, Vector512.Create(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)).GetLower().GetLower();
    }
}
