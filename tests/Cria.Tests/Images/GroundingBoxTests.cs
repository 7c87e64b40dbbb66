using Cria.Images;

namespace Cria.Tests.Images;

public sealed unsafe class GroundingBoxTests
{
    [Theory]
    [InlineData("dog: [0.1, 0.2, 0.5, 0.75]", "dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("- **the dog**: (0.1,0.2), (0.5,0.75)", "the dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("It is here: [[0.1, 0.2], [0.5, 0.75]].", "It is here", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("[20, 20, 100, 75]", "", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("cat: [10%, 20%, 50%, 75%]", "cat", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("turned: [0.5, 0.75, 0.1, 0.2]", "turned", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("beyond: [-40, 20, 100, 300]", "beyond", 0, 0.2, 0.5, 1)]
    [InlineData("huge: [20, 20, 999999999, 7.5e1]", "huge", 0.1, 0.2, 1, 0.75)]
    [InlineData("[.1 .2 +0.50 0.75000000000000000]", "", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("100% a dog: [0.1, 0.2, 0.5, 0.75]", "100% a dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("| **dog** | (0.1; 0.2; 0.5; 0.75) |", "", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("```json\n[\n  {\"bbox_2d\": [\n      20,\n      20,\n      100,\n      75\n    ], \"label\": \"dog\"}\n]\n```", "dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("{\"name\": \"a dog\", \"box\": [0.1, 0.2, 0.5, 0.75]}", "a dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("{\"dog\": [0.1, 0.2, 0.5, 0.75]}", "dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("{\"label\": \"dog\", \"y_min\": 0.2, \"x_min\": 0.1, \"y_max\": 0.75, \"x_max\": 0.5}", "dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("dog: {\"x1\": 20, \"y1\": 20, \"x2\": 100, \"y2\": 75}", "dog", 0.1, 0.2, 0.5, 0.75)]
    [InlineData("The dog: left = 10%, top = 20%, right = 50%, bottom = 75%.", "The dog", 0.1, 0.2, 0.5, 0.75)]
    public void ABoxIsReadAsFractionsOfThePicture(string text, string label, double left, double top, double right, double bottom)
    {
        var box = Assert.Single(GroundingBox.Parse(text, (200, 100)));
        Assert.Equal(new(label, (float)left, (float)top, (float)right, (float)bottom), box);
    }

    /// <summary>No place, or none that can be told.</summary>
    [Theory]
    [InlineData("[NaN, 0, 1, 1]"), InlineData("[0, 0, Infinity, 1]"), InlineData("[0.1, 0.2, 0.5]"), InlineData("[300, 20, 400, 75]"), InlineData("[20, 20, 20, 75]"), InlineData("[-9, -9, -1, -1]")]
    [InlineData("[1234567890123, 1, 2, 3]"), InlineData("left: 1, left: 2, right: 3, bottom: 4"), InlineData("[0.1, 0.2, 0.5, 0.75"), InlineData("[a, b, c, d]"), InlineData("")]
    public void WhatNamesNoPlaceIsNoBox(string text) => Assert.Empty(GroundingBox.Parse(text, (200, 100)));

    [Fact]
    public void AThousandBoxesAreReadAndDrawn()
    {
        var boxes = GroundingBox.Parse(string.Concat(Enumerable.Range(0, 1000).Select(i => FormattableString.Invariant($"thing {i}: [0.{i:d3}, 0.1, 1.0, 0.9]\n"))));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"thing {i}"), boxes.Select(b => b.Label));
        Assert.Equal((60, 100), GroundingBox.SizeOf(GroundingBox.Draw(TestImages.Png(60, 100), "x", boxes), "drawn"));
    }

    [Fact]
    public void PixelsAreThoseOfTheUprightPicture()
    {
        var photo = TestImages.WithChunk(TestImages.Png(60, 100), "eXIf"u8, TestImages.Exif(6, isLittle: true));
        Assert.Equal((100, 60), GroundingBox.SizeOf(photo, "photo"));
        Assert.Equal((10, 12, 100, 45), new GroundingBox("", 0.1f, 0.2f, 1, 0.75f).Pixels((100, 60)));
        Assert.Contains("broken", Assert.Throws<CriaException>(() => GroundingBox.SizeOf(photo.AsSpan(0, 60), "broken")).Message);
    }

    [Fact]
    public void EveryLineIsABoxAndOtherWordsArePassedOver() => Assert.Equal(["one", "two", "three"], GroundingBox.Parse("""
        Here are 3 things [as asked] in (about) 10, 20 words:
        one: [0, 0, 0.5, 0.5]
        two: [0.5, 0.5, 1, 1] and three: [0, 0, 1, 1]
        nothing: [0.2, 0.2, 0.2, 0.9]
        unfinished: [0.1, 0.2, 0.3
        """).Select(b => b.Label.Replace("and ", "")));

    [Fact]
    public void PixelsNeedThePicturesSize() => Assert.Empty(GroundingBox.Parse("[20, 20, 100, 75]"));

    [Theory, InlineData("["), InlineData("[ "), InlineData("a:"), InlineData("[1,"), InlineData("(1.5%,2"), InlineData(" "), InlineData("1"), InlineData("[1,2,3,4"), InlineData("left:1,"), InlineData("{\"x1\":"), InlineData("1e9")]
    public void NoTextTakesLong(string piece) => Assert.Empty(GroundingBox.Parse(string.Concat(Enumerable.Repeat(piece, 200_000 / piece.Length))));

    [Fact]
    public void BoxesAreDrawnOnTheUprightPictureAndNowhereElse()
    {
        var photo = TestImages.WithChunk(TestImages.Png(60, 100), "eXIf"u8, TestImages.Exif(6, isLittle: true));
        using var before = ImageDecoder.Decode(photo, "photo");
        using var after = ImageDecoder.Decode(GroundingBox.Draw(photo, "photo", [new("", 0.2f, 0.2f, 0.6f, 0.6f), new("", 0.7f, 0.7f, 0.9f, 0.9f)]), "drawn");
        Assert.Equal((100, 60), (after.Width, after.Height));
        Assert.NotEqual(Rgb(after, 30, 12), Rgb(after, 80, 42)); // the edges of both, each of its own colour
        Assert.Equal(Rgb(after, 30, 12), Rgb(after, 20, 20));
        foreach (var (x, y) in ((int, int)[])[(0, 0), (40, 24), (99, 59), (65, 30), (80, 48)])
            Assert.Equal(Rgb(before, x, y), Rgb(after, x, y));
    }

    static uint Rgb(RgbaImage image, int x, int y) => image.Row(y)[x] & 0xFFFFFF;
}
