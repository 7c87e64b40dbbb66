using Cria.Kernels;

namespace Cria.Models;

/// <summary>A block of the text model, the <paramref name="Index"/>-th of its kind.</summary>
abstract record Block(int Index, Norm AttentionNorm, Linear Query, Linear Output, SwiGlu FeedForward) : IDisposable
{
    public virtual void Dispose()
    {
        foreach (var part in (IDisposable[])[AttentionNorm, Query, Output, FeedForward])
            part.Dispose();
    }
}

/// <summary>One whose rows attend to their text.</summary>
sealed record SelfBlock(int Index, Norm AttentionNorm, Linear Query, Linear Key, Linear Value, Linear Output, SwiGlu FeedForward) : Block(Index, AttentionNorm, Query, Output, FeedForward)
{
    public override void Dispose()
    {
        base.Dispose();
        Key.Dispose();
        Value.Dispose();
    }
}

/// <summary>One whose rows attend to images; <see cref="ImageReader"/> has its keys and values. What the two parts add is multiplied by a gate.</summary>
sealed record CrossBlock(int Index, Norm AttentionNorm, Linear Query, RmsNorm QueryNorm, Linear Output, float AttentionGate, SwiGlu FeedForward, float FeedForwardGate)
    : Block(Index, AttentionNorm, Query, Output, FeedForward)
{
    public override void Dispose()
    {
        base.Dispose();
        QueryNorm.Dispose();
    }
}

/// <summary>The feed-forward part of a block with its norm (Shazeer 2020); in a rotated model its hidden values are multiplied by a Hadamard matrix.</summary>
sealed record SwiGlu(Norm Norm, Linear Gate, Linear Up, Linear Down, Compute Compute, bool IsRotated) : IDisposable
{
    /// <summary>x = W_down (silu(W_gate n) * W_up n), n = norm(h); h and x [rows, D], the others [rows, F] are scratch.</summary>
    public void Apply(Matrix h, Matrix x, Matrix gate, Matrix up)
    {
        Norm.Apply(h, x);
        Gate.Apply(x, gate);
        Up.Apply(x, up);
        Compute.SwiGlu(gate, up);
        if (IsRotated)
            Compute.Hadamard(gate);
        Down.Apply(gate, x);
    }

    public void Dispose()
    {
        foreach (var part in (IDisposable[])[Norm, Gate, Up, Down])
            part.Dispose();
    }
}
