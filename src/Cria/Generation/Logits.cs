using System.Numerics;
using System.Runtime.InteropServices;

namespace Cria.Generation;

/// <summary>Passes over one row of logits [V]. Every sum has one order, so that equal logits give equal bits.</summary>
static class Logits
{
    public static bool AreFinite(ReadOnlySpan<float> logits)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var greatest = new Vector<float>(float.MaxValue);
        foreach (var lanes in vectors)
            if (!Vector.LessThanOrEqualAll(Vector.Abs(lanes), greatest))
                return false;
        foreach (var logit in logits[(vectors.Length * Vector<float>.Count)..])
            if (!float.IsFinite(logit))
                return false;
        return true;
    }

    /// <summary>Refuses logits that are not finite.</summary>
    /// <exception cref="CriaException">One is not.</exception>
    public static void CheckFinite(ReadOnlySpan<float> logits)
    {
        if (!AreFinite(logits))
            throw new CriaException("the model computed a logit that is no finite number; its weights may be damaged");
    }

    /// <summary>The index of the greatest logit, of equal ones the lowest; none may be NaN.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        var max = Max(logits);
        var i = 0;
        while (i + Vector<float>.Count <= logits.Length && !Vector.EqualsAny(new Vector<float>(logits[i..]), new Vector<float>(max)))
            i += Vector<float>.Count;
        while (logits[i] != max)
            i++;
        return i;
    }

    /// <summary>Replaces each logit l by exp((l - max) / temperature) and gives the sum.</summary>
    public static double Exponentiate(Span<float> logits, float max, float temperature)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        for (var i = 0; i < vectors.Length; i++)
        {
            vectors[i] = Vector.Exp((vectors[i] - new Vector<float>(max)) / new Vector<float>(temperature));
            Vector.Widen(vectors[i], out var lower, out var upper);
            low += lower;
            high += upper;
        }
        var sum = Vector.Sum(low + high);
        foreach (ref var logit in logits[(vectors.Length * Vector<float>.Count)..])
            sum += logit = MathF.Exp((logit - max) / temperature);
        return sum;
    }

    /// <summary>log(sum of exp(l)).</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = Max(logits);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        foreach (var lanes in vectors)
        {
            Vector.Widen(Vector.Exp(lanes - new Vector<float>(max)), out var lower, out var upper);
            low += lower;
            high += upper;
        }
        var sum = Vector.Sum(low + high);
        foreach (var logit in logits[(vectors.Length * Vector<float>.Count)..])
            sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }

    static float Max(ReadOnlySpan<float> logits)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var lanes = new Vector<float>(float.NegativeInfinity);
        foreach (var vector in vectors)
            lanes = Vector.Max(lanes, vector);
        var max = float.NegativeInfinity;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
            max = Math.Max(max, lanes[lane]);
        foreach (var logit in logits[(vectors.Length * Vector<float>.Count)..])
            max = Math.Max(max, logit);
        return max;
    }
}
