using System.Numerics;
using System.Runtime.InteropServices;

namespace Cria.Generation;

/// <summary>
/// Selects the greatest of many values without sorting them all. A candidate is a value and its token id in one sortable number:
/// the greater value is the greater candidate, of equal values that of the lower id, so no two are equal.
/// </summary>
static class Candidates
{
    const int Few = 24;

    public static ulong Pack(float value, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(value + 0f); // -0 becomes 0
        return (ulong)((int)bits < 0 ? ~bits : bits | 0x8000_0000) << 32 | ~(uint)id;
    }

    public static float Value(ulong candidate)
    {
        var bits = (uint)(candidate >> 32);
        return BitConverter.UInt32BitsToSingle((int)bits < 0 ? bits & 0x7FFF_FFFF : ~bits);
    }

    public static int Id(ulong candidate) => (int)~(uint)candidate;

    /// <summary>Writes all values of at least <paramref name="least"/> as candidates and gives their number; ids are indices.</summary>
    public static int AtLeast(ReadOnlySpan<float> values, float least, Span<ulong> into)
    {
        var count = 0;
        var bound = new Vector<float>(least);
        var i = 0;
        foreach (var lanes in MemoryMarshal.Cast<float, Vector<float>>(values))
        {
            if (Vector.GreaterThanOrEqualAny(lanes, bound))
                for (var lane = 0; lane < Vector<float>.Count; lane++)
                    if (lanes[lane] >= least)
                        into[count++] = Pack(lanes[lane], i + lane);
            i += Vector<float>.Count;
        }
        for (; i < values.Length; i++)
            if (values[i] >= least)
                into[count++] = Pack(values[i], i);
        return count;
    }

    /// <summary>Writes the k greatest values as candidates, in no order, and gives their number; <paramref name="into"/> has room for 2k or for all.</summary>
    public static int Greatest(ReadOnlySpan<float> values, int k, Span<ulong> into)
    {
        if (k >= values.Length)
            return AtLeast(values, float.NegativeInfinity, into);
        var count = 0;
        var bound = float.NegativeInfinity;
        for (var i = 0; i < values.Length; i++)
        {
            if (count >= k) // a later value must be greater than the k-th: of equal ones the lower id stays
            {
                while (i + Vector<float>.Count <= values.Length && !Vector.GreaterThanAny(new Vector<float>(values[i..]), new Vector<float>(bound)))
                    i += Vector<float>.Count;
                if (i == values.Length || !(values[i] > bound))
                    continue;
            }
            into[count++] = Pack(values[i], i);
            if (count == k || count == Math.Min(into.Length, 2 * k))
            {
                MoveGreatestToFront(into[..count], k);
                count = k;
                bound = float.PositiveInfinity;
                foreach (var candidate in into[..k])
                    bound = Math.Min(bound, Value(candidate));
            }
        }
        if (count > k)
            MoveGreatestToFront(into[..count], k);
        return Math.Min(count, k);
    }

    /// <summary>
    /// Moves the shortest head by descending value whose sum exceeds <paramref name="mass"/> to the front, in no order, and gives its
    /// length; values are positive. Expected time is linear.
    /// </summary>
    public static int Nucleus(Span<ulong> candidates, double mass)
    {
        int start = 0, end = candidates.Length;
        var before = 0.0; // the sum of [..start]
        while (end - start > Few)
        {
            var middle = start + Split(candidates[start..end]);
            var sum = 0.0;
            foreach (var candidate in candidates[start..middle])
                sum += Value(candidate);
            if (before + sum > mass)
                end = middle;
            else
                (start, before) = (middle, before + sum);
        }
        SortDescending(candidates[start..end]);
        while (start < end && before <= mass)
            before += Value(candidates[start++]);
        return start;
    }

    public static void SortDescending(Span<ulong> candidates) => candidates.Sort((a, b) => b.CompareTo(a));

    static void MoveGreatestToFront(Span<ulong> candidates, int k)
    {
        int start = 0, end = candidates.Length;
        while (end - start > Few && start < k && k < end)
        {
            var middle = start + Split(candidates[start..end]);
            if (middle > k)
                end = middle;
            else
                start = middle;
        }
        if (start < k && k < end)
            SortDescending(candidates[start..end]);
    }

    /// <summary>Puts greater candidates before lesser ones and gives the length of the first part, neither part being empty (3 or more, all different).</summary>
    static int Split(Span<ulong> candidates)
    {
        ulong a = candidates[0], b = candidates[candidates.Length / 2], c = candidates[^1];
        var pivot = Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c)); // the median: one of the three is less
        int left = 0, right = candidates.Length - 1;
        while (true)
        {
            while (left <= right && candidates[left] >= pivot)
                left++;
            while (left <= right && candidates[right] < pivot)
                right--;
            if (left > right)
                return left;
            (candidates[left], candidates[right]) = (candidates[right], candidates[left]);
        }
    }
}
