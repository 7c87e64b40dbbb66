using System.Runtime.Intrinsics;

namespace Cria.Kernels.Blocks;

/// <summary>
/// The line of least weighted squared error through one sub-block. Given a line, the best levels are the nearest ones; given levels,
/// the best line is that of least squares. So lines over a range of scales are tried, and the best is followed downhill.
/// </summary>
static unsafe class LineSearch
{
    const int Below = 6, Above = 14, Descents = 3;

    /// <summary>
    /// The best line found, of any real scale and, if it has one, any minimum from 0. The line of the sub-block before is tried first and
    /// others must be clearly better, so that values which repeat share integers.
    /// </summary>
    public static Line Best<L>(float* x, float* weights, int count, L levels, bool withMinimum, Line neighbour) where L : struct, ILevels
    {
        float lowest = 0, highest = 0;
        for (var i = 0; i < count; i++)
        {
            lowest = MathF.Min(lowest, x[i]);
            highest = MathF.Max(highest, x[i]);
        }
        var best = default(Line);
        var bestError = double.PositiveInfinity;
        void Try(Line line)
        {
            for (var descent = 0; descent < Descents; descent++)
            {
                var moments = Nearest(x, weights, count, levels, line, null);
                line = moments.Solve(withMinimum);
                var error = moments.Error(line);
                if (!(error < 0.999 * bestError - 2e-6 * moments.Wxx))
                    return;
                (best, bestError) = (line, error);
            }
        }
        if (neighbour.Scale != 0)
            Try(neighbour);
        for (var i = Above; i >= -Below; i--) // smaller scales first: where errors are alike, the block's d can be finer
        {
            var shrink = 1 / (1 + i * levels.Step);
            if (withMinimum)
            {
                Try(new((highest - lowest) / levels.Highest * shrink, -lowest));
                continue;
            }
            var largest = highest > -lowest ? highest : lowest;
            Try(new(largest / levels.Lowest * shrink, 0));
            Try(new(largest / levels.Highest * shrink, 0));
        }
        if (!withMinimum || best.Scale <= 0)
            return best;
        // Levels below all values are not needed: the same values with a smaller minimum.
        var unused = MathF.Min(MathF.Round((best.Minimum + lowest) / best.Scale), MathF.Floor(best.Minimum / best.Scale));
        return best with { Minimum = best.Minimum - MathF.Max(0, unused) * best.Scale };
    }

    /// <summary>The level of every value that lies nearest on a line, written as integers unless <paramref name="codes"/> is null; the sums.</summary>
    public static Moments Nearest<L>(float* x, float* weights, int count, L levels, Line line, sbyte* codes) where L : struct, ILevels
    {
        var inverse = Vector256.Create(line.Scale == 0 ? 0 : 1 / line.Scale);
        var minimum = Vector256.Create(line.Minimum);
        Vector256<float> w = default, wx = default, wxx = default, wq = default, wqq = default, wxq = default;
        for (var i = 0; i < count; i += 8)
        {
            var value = Vector256.Load(x + i);
            var weight = Vector256.Load(weights + i);
            var level = levels.Nearest((value + minimum) * inverse);
            var weighted = weight * level;
            w += weight;
            wx += weight * value;
            wxx += weight * value * value;
            wq += weighted;
            wqq += weighted * level;
            wxq += weighted * value;
            if (codes != null)
                for (var j = 0; j < 8; j++)
                    codes[i + j] = (sbyte)level[j];
        }
        return new()
        {
            W = Vector256.Sum(w),
            Wx = Vector256.Sum(wx),
            Wxx = Vector256.Sum(wxx),
            Wq = Vector256.Sum(wq),
            Wqq = Vector256.Sum(wqq),
            Wxq = Vector256.Sum(wxq),
        };
    }
}
