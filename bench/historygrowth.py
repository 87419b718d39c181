async def growth(bench, picture=None):
    return []
