using Cria.Formats;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Tests.Formats;

public sealed class CheckpointTests
{
    [Theory]
    [InlineData(ElementType.F32, true)]
    [InlineData(ElementType.F16, false)]
    [InlineData(ElementType.BF16, true)]
    public void WrittenModelComesBack(ElementType type, bool tied)
    {
        var shape = new TestShape { Type = type, Tied = tied };
        using var model = TestModels.Write(shape);
        using var checkpoint = Checkpoint.Open(model.Path);
        Assert.Equal(tied, checkpoint.Get(TensorRole.Output) == checkpoint.Get(TensorRole.Embedding));
        foreach (var (name, _, dimensions, data) in TestModels.Weights(shape))
        {
            var tensor = checkpoint.Tensors.Single(t => t.Name == name);
            Assert.Equal(dimensions, tensor.Shape);
            Assert.Equal(type, tensor.Type);
            var values = new float[tensor.Count];
            tensor.CopyTo(values);
            Assert.Equal(data.ToArray(), TestModels.Bytes(values, type));
        }
    }

    [Fact]
    public void SmallTokenizerIsRead()
    {
        using var model = TestModels.Write(new TestShape { WithTokenizer = true });
        var tokenizer = Tokenizer.Load(model.Path);
        using var checkpoint = Checkpoint.Open(model.Path);
        Assert.Equal(TestModels.TokenizerSize, tokenizer.VocabularySize);
        Assert.Equal(checkpoint.Config.BosId, tokenizer.BosId);
        Assert.Equal("hello world, hello", tokenizer.Decode(tokenizer.Encode("hello world, hello", false)));
        Assert.Single(tokenizer.Encode("hello", false));
    }
}
