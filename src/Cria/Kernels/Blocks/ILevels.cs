using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Cria.Kernels.Blocks;

/// <summary>The numbers that codes stand for before they are scaled.</summary>
interface ILevels
{
    float Lowest { get; }

    float Highest { get; }

    /// <summary>The part of a scale by which neighbouring candidates of a search differ: the finer the levels, the smaller.</summary>
    float Step { get; }

    /// <summary>The level nearest to each number.</summary>
    Vector256<float> Nearest(Vector256<float> x);
}

/// <summary>All integers of a range.</summary>
readonly struct IntegerLevels(int lowest, int highest) : ILevels
{
    public float Lowest => lowest;

    public float Highest => highest;

    public float Step => 0.3f / highest;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Nearest(Vector256<float> x) =>
        Vector256.Round(Vector256.Min(Vector256.Max(x, Vector256.Create(Lowest)), Vector256.Create(Highest)));
}

/// <summary>The table of <see cref="IQ4_NL"/>.</summary>
readonly struct TableLevels : ILevels
{
    public float Lowest => IQ4_NL.Table[0];

    public float Highest => IQ4_NL.Table[15];

    public float Step => 0.03f;

    /// <summary>The lowest level and, for every midpoint of neighbours that the number lies above, their distance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Nearest(Vector256<float> x)
    {
        var level = Vector256.Create(Lowest);
        for (var i = 0; i < 15; i++)
        {
            float below = IQ4_NL.Table[i], above = IQ4_NL.Table[i + 1];
            level += Vector256.GreaterThan(x, Vector256.Create((below + above) / 2)) & Vector256.Create(above - below);
        }
        return level;
    }
}
