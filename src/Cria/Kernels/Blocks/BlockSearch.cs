namespace Cria.Kernels.Blocks;

/// <summary>What the searched block types differ in: sub-blocks with integer scales and minima, multiples of the block's F16 d and dmin.</summary>
readonly record struct BlockShape(int SubBlocks, int Length, int LowestScale, int HighestScale, int HighestMinimum = 0)
{
    /// <summary>The scale of the largest magnitude.</summary>
    public int LargestScale => -LowestScale > HighestScale ? LowestScale : HighestScale;
}

/// <summary>
/// Quantizes a block whose sub-blocks have scales of their own: values ≈ (d scale) level − (dmin minimum). First every sub-block's best
/// line; then in turn the integers next to those lines given d and dmin, and d and dmin of least squares given the integers.
/// </summary>
static unsafe class BlockSearch
{
    const int Rounds = 4;

    /// <summary>Writes scales, minima (where the shape has them) and levels; d and dmin as F16 holds them.</summary>
    public static Line Fit<L>(float* x, float* weights, L levels, BlockShape shape, sbyte* scales, byte* minima, sbyte* codes) where L : struct, ILevels
    {
        var ideal = stackalloc Line[shape.SubBlocks];
        float largest = 0, minimum = 0;
        for (var j = 0; j < shape.SubBlocks; j++)
        {
            ideal[j] = LineSearch.Best(x + j * shape.Length, weights + j * shape.Length, shape.Length, levels, shape.HighestMinimum > 0, j > 0 ? ideal[j - 1] : default);
            largest = MathF.Abs(ideal[j].Scale) > MathF.Abs(largest) ? ideal[j].Scale : largest;
            minimum = MathF.Max(minimum, ideal[j].Minimum);
        }
        var unit = Halves(new(largest / shape.LargestScale, shape.HighestMinimum > 0 ? minimum / shape.HighestMinimum : 0));
        var best = default(Line);
        var bestError = double.PositiveInfinity;
        var chosen = stackalloc Line[shape.SubBlocks];
        for (var round = 0; round < Rounds; round++)
        {
            var sums = default(Moments);
            for (var j = 0; j < shape.SubBlocks; j++)
            {
                var moments = Choose(x + j * shape.Length, weights + j * shape.Length, levels, shape, ideal[j], unit, out chosen[j]);
                sums.Add(moments, chosen[j].Scale, chosen[j].Minimum);
            }
            var error = sums.Error(unit);
            if (!(error < bestError))
                break;
            (best, bestError) = (unit, error);
            for (var j = 0; j < shape.SubBlocks; j++)
            {
                scales[j] = (sbyte)chosen[j].Scale;
                if (minima != null)
                    minima[j] = (byte)chosen[j].Minimum;
            }
            unit = Halves(sums.Solve(shape.HighestMinimum > 0));
        }
        for (var j = 0; j < shape.SubBlocks; j++)
            LineSearch.Nearest(x + j * shape.Length, weights + j * shape.Length, shape.Length, levels,
                new(best.Scale * scales[j], minima == null ? 0 : best.Minimum * minima[j]), codes + j * shape.Length);
        return best;
    }

    /// <summary>The integers of least error around a sub-block's ideal line.</summary>
    static Moments Choose<L>(float* x, float* weights, L levels, BlockShape shape, Line ideal, Line unit, out Line chosen) where L : struct, ILevels
    {
        var (scale, lastScale) = Around(ideal.Scale, unit.Scale, shape.LowestScale, shape.HighestScale);
        var (firstMinimum, lastMinimum) = Around(ideal.Minimum, unit.Minimum, 0, shape.HighestMinimum);
        chosen = default;
        var best = default(Moments);
        var bestError = double.PositiveInfinity;
        for (; scale <= lastScale; scale++)
        {
            for (var minimum = firstMinimum; minimum <= lastMinimum; minimum++)
            {
                var line = new Line(unit.Scale * scale, unit.Minimum * minimum);
                var moments = LineSearch.Nearest(x, weights, shape.Length, levels, line, null);
                var error = moments.Error(line);
                if (error < bestError)
                    (best, bestError, chosen) = (moments, error, new(scale, minimum));
            }
        }
        return best;
    }

    /// <summary>The multiples of a unit below and above a number, inside the bounds.</summary>
    static (int Below, int Above) Around(float number, float unit, int lowest, int highest)
    {
        var multiple = unit == 0 ? 0 : Math.Clamp(number / unit, lowest, highest);
        return ((int)MathF.Floor(multiple), (int)MathF.Ceiling(multiple));
    }

    /// <summary>Rounded to F16.</summary>
    static Line Halves(Line line) => new(Levels.ToHalf(line.Scale), Levels.ToHalf(line.Minimum));
}
