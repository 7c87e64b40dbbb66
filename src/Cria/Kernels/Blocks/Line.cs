namespace Cria.Kernels.Blocks;

/// <summary>value = Scale · level − Minimum.</summary>
readonly record struct Line(float Scale, float Minimum);
