using System.Security.Cryptography;
using System.Text;
using Cria.Evaluation.Pocket;

namespace Cria.Tests.Evaluation;

/// <summary>A model is trained in one state of the world: a change to what the world says must not go unnoticed.</summary>
public class PocketPinTests
{
    [Theory]
    [InlineData("summarise", "9fddd30bc9ac9a0f")]
    [InlineData("rewrite", "3e13574d1af661b7")]
    [InlineData("format", "73ae2b21f5bfb5e0")]
    [InlineData("note", "fc9edc0d693f1245")]
    [InlineData("translate", "5e2ba8cbf798d67d")]
    [InlineData("arithmetic", "cf4d6caff72067e1")]
    [InlineData("tools", "9217c17e5015e79f")]
    [InlineData("followup", "0b08b5b22463f3b5")]
    [InlineData("newcomer", "32a826962c1d8daf")]
    public void TheFirstItemsOfAFamilyAreTheOnesThatModelsWereTrainedOn(string family, string hash)
    {
        var source = PocketWorld.Families.Single(f => f.Name == family);
        Assert.Equal(hash, Hash(Enumerable.Range(0, 300).Select(i => PocketWorld.Item(source, PocketSplit.Train, seed: 1, i)).Select(i => PocketWorld.PromptText(i) + PocketWorld.TextOf(i.Answer))));
    }

    [Fact]
    public void TheFirstDocumentsAndDialoguesAreTheOnesThatModelsWereTrainedOn()
    {
        Assert.Equal("33b0670cf29b9958", Hash(Enumerable.Range(0, 300).Select(i => PocketTexts.Document(1, i))));
        Assert.Equal("126067668157aba0", Hash(Enumerable.Range(0, 30).SelectMany(i => PocketTexts.Dialogue(PocketSplit.Train, 1, i, turns: 8)).Select(m => $"{m.Role}: {PocketWorld.TextOf(m)}")));
    }

    static string Hash(IEnumerable<string> texts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', texts))))[..16];
}
