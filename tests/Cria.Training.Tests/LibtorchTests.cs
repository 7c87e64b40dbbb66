namespace Cria.Training.Tests;

public sealed class LibtorchTests
{
    [Fact]
    public void LibtorchLoadsAndComputes()
    {
        using var t = TorchSharp.torch.ones(2, 3);
        Assert.Equal(6, t.sum().item<float>());
    }
}
